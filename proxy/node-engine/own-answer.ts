import type { ServerResponse } from 'node:http'
import type { ErrorBody } from '../../shared/api.ts'

/** An answer of the proxy itself. */
export interface OwnAnswer {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly retryAfterSeconds?: number
  /** The rest of the request is not read: the connection ends with the answer. */
  readonly close?: boolean
}

/** Answers the client, unless an answer is under way already; then the connection is cut. */
export function answerOwn(response: ServerResponse, answer: OwnAnswer): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const body: ErrorBody = { error: { code: answer.code, message: answer.message } }
  const text = `${JSON.stringify(body)}\n`
  const { retryAfterSeconds } = answer
  if (answer.close === true) response.shouldKeepAlive = false
  response.writeHead(answer.status, {
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(text)),
    ...(retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) }),
  })
  response.end(text)
}

export function unavailable(message: string): OwnAnswer {
  return { status: 503, code: 'UNAVAILABLE', message, retryAfterSeconds: 1 }
}
