/** Offers to go on in another protocol that a server may pass over, such as HTTP/2 in the clear. */
import { type IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ControlListener } from './control-server.ts'

/** Node hands over the connection with the offer, and reads no body from it any more. */
export function mayIgnoreOffer({ headers }: IncomingMessage): boolean {
  const isBare = headers['content-length'] === undefined && !('transfer-encoding' in headers)
  return isBare && headers.upgrade?.toLowerCase() !== 'websocket'
}

/** Answers the request as if nothing had been offered; it is the last one of its connection. */
export function ignoreOffer(
  request: IncomingMessage,
  socket: Duplex,
  listener: ControlListener,
): void {
  if (!(socket instanceof Socket)) {
    socket.destroy()
    return
  }
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => socket.end())
  listener(request, response)
}
