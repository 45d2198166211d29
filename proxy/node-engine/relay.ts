import type { ClientRequest, IncomingMessage } from 'node:http'
import { endToEnd, safeTrailers, without } from '../decide/headers.ts'
import type { EngineLimits } from '../engine.ts'
import { type Inbound, viaHeader } from './inbound.ts'

/** How the passing on of an answer ended. */
export type Relayed = 'complete' | 'upstream-cut' | 'client-gone' | 'refused'

export interface Answered {
  readonly answer: IncomingMessage
  readonly asked: ClientRequest
}

/** Server-sent events stay open for as long as both sides like. */
export function isEventStream({ headers }: IncomingMessage): boolean {
  return /^text\/event-stream\b/i.test(headers['content-type'] ?? '')
}

/** Streams an answer to the client at the pace of the slower side; settles with its end. */
export function relay(
  inbound: Inbound,
  { answer, asked }: Answered,
  { limits, signal }: { readonly limits: EngineLimits; readonly signal: AbortSignal },
): Promise<Relayed> {
  const { request, response } = inbound.client
  // What is left of the request cannot be told from the next one once the answer is out.
  const unread = inbound.body.kind === 'stream' && !request.readableEnded
  if (unread) response.shouldKeepAlive = false
  if (!writeHead(inbound, answer)) {
    asked.destroy()
    return Promise.resolve('refused')
  }
  watchIdleness(inbound, { answer, asked }, limits)
  return new Promise((resolve) => {
    let cut = false
    const cutClient = (): void => {
      if (answer.complete) return
      cut = true
      response.destroy()
    }
    answer.on('error', cutClient)
    answer.on('close', cutClient)
    answer.on('end', () => {
      for (const [name, value] of safeTrailers(answer.rawTrailers)) {
        if (response.chunkedEncoding) response.addTrailers([[name, value]])
      }
      response.end()
      if (unread) asked.destroy()
    })
    response.on('finish', () => resolve('complete'))
    const leave = (): void => {
      asked.destroy()
      resolve(cut ? 'upstream-cut' : 'client-gone')
    }
    if (signal.aborted) return leave()
    signal.addEventListener('abort', leave, { once: true })
    answer.pipe(response, { end: false })
  })
}

/** Whether the head could be passed on; one that is no valid HTTP is not. */
function writeHead({ method, client }: Inbound, answer: IncomingMessage): boolean {
  const { statusCode = 502, statusMessage = '' } = answer
  const headers = [...headersFor(method, client.request.method, answer), ...viaHeader]
  try {
    client.response.writeHead(statusCode, statusMessage, headers)
    // With a body at hand, head and body leave in one packet.
    if (answer.readableLength === 0) client.response.flushHeaders()
    return true
  } catch {
    // The caller answers in its place: a head that node will not write is a bad gateway's.
    return false
  }
}

function headersFor(method: string, clientMethod: string | undefined, answer: IncomingMessage) {
  const headers = endToEnd(answer.rawHeaders)
  const { statusCode = 502 } = answer
  // A length that no body follows would leave the client waiting for one.
  const bodiless = statusCode === 204 || (method === 'HEAD' && clientMethod !== 'HEAD')
  return bodiless ? without(headers, 'content-length') : headers
}

function watchIdleness(inbound: Inbound, { answer, asked }: Answered, limits: EngineLimits): void {
  const { response } = inbound.client
  const idleMs = isEventStream(answer) ? limits.lastingIdleMs : limits.bodyIdleMs
  response.socket?.setTimeout(idleMs)
  asked.setTimeout(idleMs, () => {
    // A slow reader is watched on its own connection.
    if (!response.writableNeedDrain) asked.destroy(new Error('the answer stalled'))
  })
}
