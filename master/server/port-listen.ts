import type { Server } from 'node:net'
import { RequestError, sentenceOf } from '../../shared/errors.ts'

export interface Place {
  readonly host: string
  readonly port: number
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'the port is in use',
  EACCES: 'this user may not use the port',
  EADDRNOTAVAIL: 'the address is not one of this machine',
  ENOTFOUND: 'the name of the host is unknown',
}

/** The port that the server listens on; rejects with one sentence when it cannot. */
export function listenOn(server: Server, { host, port }: Place): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      const reason =
        ('code' in error ? REASONS[String(error.code)] : undefined) ?? sentenceOf(error)
      const message = `Cannot listen on ${host.includes(':') ? `[${host}]` : host}:${port}: ${reason}`
      reject(new RequestError(409, 'CANNOT_LISTEN', message))
    }
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
