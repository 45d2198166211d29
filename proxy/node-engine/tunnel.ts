import { type IncomingMessage, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { endToEnd, fromClient, valuesOf } from '../decide/headers.ts'
import { introduced, viaHeader } from './inbound.ts'

/** Only WebSockets: any other protocol would be a way around what the proxy checks. */
export function wantsWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

export function upgradeHeaders(request: IncomingMessage): string[] {
  const headers = [...fromClient(request.rawHeaders), ...introduced(request)]
  return [...headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket']
}

export interface Ends {
  readonly client: Socket
  readonly upstream: Socket
}

/** Joins both connections after a 101: what one says the other hears, and they end together. */
export function tunnel({ client, upstream }: Ends, idleMs: number, onEnd: () => void): void {
  let open = 2
  const ended = (other: Socket) => (): void => {
    open -= 1
    // What was received before the end is still delivered.
    if (open > 0) other.destroySoon()
    else onEnd()
  }
  for (const [socket, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    socket.setNoDelay(true)
    socket.setTimeout(idleMs, () => socket.destroy())
    // Its 'close' follows and ends the other side.
    socket.on('error', () => socket.destroy())
    socket.once('close', ended(other))
    socket.pipe(other)
  }
}

/** The head of a 101, as it goes to the client. */
export function switchingHead(answer: IncomingMessage): string {
  const { statusCode = 101, rawHeaders } = answer
  const upgrade = valuesOf(rawHeaders, 'upgrade')[0] ?? 'websocket'
  const headers = [...endToEnd(rawHeaders), 'Connection', 'Upgrade', 'Upgrade', upgrade]
  const lines = [`HTTP/1.1 ${statusCode} ${STATUS_CODES[statusCode] ?? ''}`]
  const all = [...headers, ...viaHeader]
  for (let at = 0; at + 1 < all.length; at += 2) lines.push(`${all[at]}: ${all[at + 1]}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}
