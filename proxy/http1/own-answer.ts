import { STATUS_CODES } from 'node:http'
import type { ErrorBody } from '../../shared/api.ts'
import type { Failure, Refusal } from '../exchange.ts'

/** An answer of the proxy itself. */
export interface OwnAnswer {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly retryAfterSeconds?: number
}

/** No answer yet: the client may send its body. */
export const CONTINUE = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')

/** The bytes of an own answer; a HEAD gets its head alone. */
export function ownAnswerBytes(
  answer: OwnAnswer,
  { isHead, close }: { readonly isHead: boolean; readonly close: boolean },
): Buffer {
  const { status } = answer
  const text = ownAnswerText(answer)
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`,
    ...ownAnswerFields(answer, text).map(([name, value]) => `${name}: ${value}`),
    ...(close ? ['Connection: close'] : []),
    '',
    '',
  ]
  return Buffer.from(`${lines.join('\r\n')}${isHead ? '' : text}`)
}

export function ownAnswerText({ code, message }: OwnAnswer): string {
  const body: ErrorBody = { error: { code, message } }
  return `${JSON.stringify(body)}\n`
}

export function ownAnswerFields(
  { code, retryAfterSeconds }: OwnAnswer,
  text: string,
): readonly (readonly [string, string])[] {
  return [
    ['Content-Type', 'application/json'],
    ['Content-Length', String(Buffer.byteLength(text))],
    ['X-Orchestrify-Reason', code],
    ...(retryAfterSeconds === undefined
      ? []
      : [['Retry-After', String(retryAfterSeconds)] as const]),
  ]
}

export function unavailable(message: string): OwnAnswer {
  return { status: 503, code: 'UNAVAILABLE', message, retryAfterSeconds: 1 }
}

/** Why a request was not asked of anybody. */
export function refusalAnswer(refusal: Refusal, name: string, absence: string): OwnAnswer {
  switch (refusal) {
    case 'absent':
      return { ...unavailable(`Cannot reach "${name}": ${absence}`), code: 'NO_REPLICA' }
    case 'full':
      return {
        ...unavailable(`Cannot reach "${name}": too many requests wait`),
        code: 'QUEUE_FULL',
      }
    case 'late':
      return {
        ...unavailable(`Cannot reach "${name}": no replica became free in time`),
        code: 'QUEUE_TIMEOUT',
      }
  }
}

const FAILURES: Readonly<Record<Failure, string>> = {
  connect: 'its replica does not accept connections',
  stale: 'its replica closed the connection',
  silent: 'its replica closed the connection',
  sent: 'its replica gave no valid answer',
  timeout: 'its replica did not answer in time',
}

const FAILURE_CODES: Readonly<Record<Failure, string>> = {
  connect: 'CONNECT_FAILED',
  stale: 'CONNECTION_CLOSED',
  silent: 'CONNECTION_CLOSED',
  sent: 'BAD_ANSWER',
  timeout: 'TIMEOUT',
}

/** Why nobody who was asked gave an answer. */
export function failureAnswer(failure: Failure, name: string): OwnAnswer {
  const status = failure === 'timeout' ? 504 : 502
  const message = `Cannot reach "${name}": ${FAILURES[failure]}`
  return { status, code: FAILURE_CODES[failure], message }
}

export function lateAnswer(name: string): OwnAnswer {
  const message = `Cannot finish the request to "${name}": it took too long`
  return { status: 504, code: 'TIMEOUT', message }
}

const SENTENCES: Readonly<Record<number, readonly [string, string]>> = {
  400: ['BAD_REQUEST', 'it is not valid HTTP/1.1'],
  405: ['METHOD_NOT_ALLOWED', 'its method is not passed on'],
  408: ['REQUEST_TIMEOUT', 'it did not arrive in time'],
  414: ['TARGET_TOO_LONG', 'its target is too long'],
  417: ['EXPECTATION_FAILED', 'it expects what is not known'],
  431: ['HEAD_TOO_LARGE', 'its head is too large or has too many headers'],
  501: ['NOT_IMPLEMENTED', 'its method or its transfer coding is not known'],
  505: ['VERSION_NOT_SUPPORTED', 'it is neither HTTP/1.0 nor HTTP/1.1'],
}

/** Why a request may not come in, by the status that says so. */
export function rejection(status: number): OwnAnswer {
  const [code, state] = SENTENCES[status] ?? ['BAD_REQUEST', 'it is not valid']
  return { status, code, message: `Cannot take the request: ${state}` }
}
