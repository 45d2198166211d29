import { Server } from 'node:net'
import { RequestError } from '../shared/errors.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** A socket that another process bound and keeps: what comes while nobody listens waits in it. */
export interface BoundSocket extends Address {
  readonly handle: object
}

/** Where to listen: on an address, or on a socket that is bound already. */
export type ListenOn = Address | BoundSocket

/** As many may wait to be accepted; the system's own limit holds where it is lower. */
const BACKLOG = 4_096

/** Starts listening and answers the port; rejects with the sentence that says why it cannot. */
export function listen(server: Server, on: ListenOn): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => {
      reject(cannotListen(on, cause.code ?? cause.message))
    }
    server.once('error', refuse)
    const heard = (): void => {
      server.off('error', refuse)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : on.port)
    }
    if ('handle' in on) server.listen(on.handle, BACKLOG, heard)
    else server.listen({ host: on.host, port: on.port, backlog: BACKLOG }, heard)
  })
}

/**
 * Accepts nothing more, and leaves every connection alone: the `close` of an HTTP server would cut
 * those that are idle.
 */
export function stopListening(server: Server): void {
  Server.prototype.close.call(server)
}

export function cannotListen({ host, port }: Address, code: string): RequestError {
  const state = code === 'EADDRINUSE' ? 'the port is in use' : code
  return new RequestError(503, 'CANNOT_LISTEN', `Cannot listen on ${host}:${port}: ${state}`)
}
