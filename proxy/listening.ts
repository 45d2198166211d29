import type { Server } from 'node:net'
import { RequestError } from '../shared/errors.ts'

/** Connections that the kernel holds until they are accepted. */
const BACKLOG = 1_024

/** Starts listening and answers the port; rejects with the sentence that says why it cannot. */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException): void => {
      const state =
        cause.code === 'EADDRINUSE' ? 'the port is in use' : (cause.code ?? cause.message)
      reject(new RequestError(503, 'CANNOT_LISTEN', `Cannot listen on ${host}:${port}: ${state}`))
    }
    server.once('error', refuse)
    server.listen({ port, host, backlog: BACKLOG }, () => {
      server.off('error', refuse)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
