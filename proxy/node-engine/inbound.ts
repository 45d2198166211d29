import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { fromClient, type RawHeaders, valuesOf, without } from '../decide/headers.ts'

export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'stream' }
  | { readonly kind: 'bytes'; readonly bytes: Buffer }

/** One request as it is to be asked of a replica, and the client who waits for the answer. */
export interface Inbound {
  readonly method: string
  readonly target: string
  readonly headers: readonly string[]
  readonly body: Body
  readonly client: Client
}

export interface Client {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

const VIA = '1.1 orchestrify'
const REQUEST_ID = /^[\x21-\x7e]{1,128}$/
/** Without a body of their own these carry no `Content-Length: 0`. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])
const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

/** A request that is passed on as it came. */
export function passedOn(client: Client, target: string): Inbound {
  const { request } = client
  const { method = 'GET', rawHeaders } = request
  const framed = hasBody(request)
  const headers = [...fromClient(rawHeaders), ...introduced(request)]
  if (framed && request.headers['content-length'] === undefined) {
    headers.push('Transfer-Encoding', 'chunked')
  }
  if (!framed && !BODILESS.has(method) && request.headers['content-length'] === undefined) {
    headers.push('Content-Length', '0')
  }
  return { method, target, headers, body: { kind: framed ? 'stream' : 'none' }, client }
}

/** What the proxy itself tells a replica about the client. */
export function introduced(request: IncomingMessage): string[] {
  const { rawHeaders, httpVersion } = request
  const [host] = valuesOf(rawHeaders, 'host')
  const headers = ['X-Forwarded-For', addressOf(request), 'X-Forwarded-Proto', 'http']
  if (host !== undefined && host !== '') headers.push('X-Forwarded-Host', host)
  headers.push('Via', `${httpVersion} orchestrify`)
  return headers
}

/** Whether the client's message says that a body follows. */
export function hasBody({ headers }: IncomingMessage): boolean {
  if (headers['transfer-encoding'] !== undefined) return true
  return Number(headers['content-length'] ?? 0) > 0
}

/** Lets a client send its body that waits to be told so. */
export function welcomeBody({ request, response }: Client): void {
  if (request.headers.expect?.toLowerCase() === '100-continue') response.writeContinue()
}

/** Whether asking twice does no more than asking once, and the request is still whole. */
export function isRepeatable({ method, body }: Inbound): boolean {
  return IDEMPOTENT.has(method) && body.kind !== 'stream'
}

/** Every request has a name by which its way can be followed; a client's own is kept. */
export function withRequestId(headers: RawHeaders): readonly string[] {
  const [given, ...others] = valuesOf(headers, 'x-request-id')
  if (given !== undefined && others.length === 0 && REQUEST_ID.test(given)) return headers
  return [...without(headers, 'x-request-id'), 'X-Request-Id', randomUUID()]
}

export const viaHeader: readonly [string, string] = ['Via', VIA]

function addressOf(request: IncomingMessage): string {
  const address = request.socket.remoteAddress ?? 'unknown'
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
