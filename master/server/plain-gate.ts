/** Who may speak plain HTTP: this machine, but no page of a browser that others made. */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ErrorBody } from '../../shared/api.ts'
import { RequestError } from '../../shared/errors.ts'
import { isLoopback } from '../../shared/loopback.ts'

/** What forbids a request over plain HTTP; undefined when it may be served. */
export function createPlainGate(
  insecure: boolean,
): (request: IncomingMessage) => RequestError | undefined {
  return (request) => {
    if (insecure) return undefined
    return isLoopback(request.socket.remoteAddress) ? checkOrigin(request) : tlsRequired()
  }
}

/**
 * Being on this machine is a proof only as long as no browser lends it to a foreign page: neither by
 * a request across origins, nor under a foreign name that was made to lead here (DNS rebinding).
 */
export function checkOrigin(request: IncomingMessage): RequestError | undefined {
  const { host, origin } = request.headers
  if (host !== undefined && !isOwnHost(host)) {
    return forbidden('its Host is neither an IP address nor localhost')
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return forbidden('it comes from a page of another origin')
  }
  return undefined
}

export function refuse(response: ServerResponse, refusal: RequestError): void {
  const body = bodyOf(refusal)
  response.writeHead(refusal.status, headersOf(refusal, body))
  response.end(body)
}

export function refuseUpgrade(socket: Duplex, refusal: RequestError): void {
  const body = bodyOf(refusal)
  const headers = Object.entries(headersOf(refusal, body)).map(
    ([name, value]) => `${name}: ${value}`,
  )
  const head = [`HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`, ...headers, '', '']
  socket.on('error', () => socket.destroy())
  socket.end(head.join('\r\n') + body, () => socket.destroy())
}

function tlsRequired(): RequestError {
  const message =
    'Cannot answer plain HTTP from another machine: run "orchestrify token" on the master for the ' +
    'join line (or start both sides with --insecure)'
  return new RequestError(426, 'TLS_REQUIRED', message)
}

function forbidden(why: string): RequestError {
  return new RequestError(403, 'FOREIGN_ORIGIN', `Cannot answer this request: ${why}`)
}

function isOwnHost(host: string): boolean {
  const name = host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
  return isIP(name) !== 0 || name.toLowerCase() === 'localhost'
}

function bodyOf({ code, message }: RequestError): string {
  const body: ErrorBody = { error: { code, message } }
  return `${JSON.stringify(body)}\n`
}

function headersOf(refusal: RequestError, body: string): Record<string, string | number> {
  const isUpgrade = refusal.status === 426
  return {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    // RFC 9110 §15.5.22 wants the protocol named. The body of the request is not waited for.
    connection: isUpgrade ? 'close, upgrade' : 'close',
    ...(isUpgrade ? { upgrade: 'TLS/1.2, HTTP/1.1' } : {}),
  }
}
