import { createServer, type Server, type TlsOptions } from 'node:tls'
import { type Certificates, TLS_VERSION_MIN } from './certificates.ts'

export interface TlsServerOptions {
  readonly certificates: Certificates
  /** The protocols to offer, the best first. */
  readonly protocols: readonly string[]
  readonly handshakeTimeoutMs: number
  readonly connectionsMax: number
}

/** A server whose 'secureConnection' brings sockets that are ready for the first request. */
export function createTlsServer(options: TlsServerOptions): Server {
  const { certificates } = options
  const server = createServer({
    ...certificates.first,
    minVersion: TLS_VERSION_MIN,
    ALPNProtocols: [...options.protocols],
    handshakeTimeout: options.handshakeTimeoutMs,
    noDelay: true,
    allowHalfOpen: true,
    SNICallback: (name, done) => done(null, certificates.contextFor(name)),
  } satisfies TlsOptions)
  server.maxConnections = options.connectionsMax
  // Whoever does not get through the handshake has nobody to tell.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  certificates.onChange(() => {
    server.setSecureContext({ ...certificates.first, minVersion: TLS_VERSION_MIN })
  })
  return server
}
