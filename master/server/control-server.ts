/** The master's one port: TLS for everyone, plain HTTP for this machine alone. */
import {
  createServer as createHttpServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { after } from '../../shared/clock.ts'
import type { ServerTls } from '../identity/server-tls.ts'
import { CONTROL_LIMITS, type ControlLimits } from './control-limits.ts'
import { handOver } from './first-byte.ts'
import { ignoreOffer, mayIgnoreOffer } from './ignored-offer.ts'
import { createPlainGate, refuse, refuseUpgrade } from './plain-gate.ts'
import { listenOn } from './port-listen.ts'

export type ControlListener = (request: IncomingMessage, response: ServerResponse) => void
export type ControlUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

export interface ControlServerOptions {
  readonly listener: ControlListener
  /** Without it, a request to upgrade is answered like any other. */
  readonly upgrade?: ControlUpgrade | undefined
  /** Every address to listen on, all on one port. */
  readonly hosts: readonly string[]
  /** 0 for any that is free. */
  readonly port: number
  readonly tls: ServerTls
  /** Serves plain HTTP to everyone. */
  readonly insecure: boolean
  readonly limits?: Partial<ControlLimits> | undefined
  /** Hears of connections that could not be taken. */
  readonly report?: ((error: Error) => void) | undefined
}

export interface ControlServer {
  readonly port: number
  /** New connections see the new certificate. */
  updateTls(tls: ServerTls): void
  /** Takes no more, lets requests under way finish within the grace, then cuts what is left. */
  close(graceMs: number): Promise<void>
}

type WebServer = HttpServer | HttpsServer

/** Rejects with one sentence when the port cannot be had. */
export async function createControlServer(options: ControlServerOptions): Promise<ControlServer> {
  const limits = { ...CONTROL_LIMITS, ...options.limits }
  const secure = createSecure(options, limits)
  const plain = createPlain(options, limits)
  const sockets = new Set<Socket>()
  const silent = new Set<Socket>()
  const closing = new AbortController()
  for (const web of [secure, plain]) protect(web, limits, closing.signal)
  const accept = (socket: Socket): void => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    handOver(socket, { secure, plain }, { peekMs: limits.peekMs, silent })
  }
  const fronts: Server[] = []
  let { port } = options
  for (const host of options.hosts) {
    // Half-open, as HTTP needs it: a client may end its side before it has its answer.
    const settings = { allowHalfOpen: true, noDelay: true, keepAlive: true }
    const front = createServer(settings, accept)
    front.maxConnections = limits.connectionsMax
    fronts.push(front)
    try {
      port = await listenOn(front, { host, port })
    } catch (error) {
      for (const open of fronts) open.close()
      throw error
    }
    // Too many open files, for one: the connections that are open go on.
    front.on('error', (error) => options.report?.(error))
  }
  return {
    port,
    updateTls: (tls) => secure.setSecureContext(contextOf(tls)),
    close: async (graceMs) => {
      closing.abort()
      await closeAll({ fronts, webs: [secure, plain], sockets, silent }, graceMs)
    },
  }
}

function createSecure(options: ControlServerOptions, limits: ControlLimits): HttpsServer {
  const server = createHttpsServer({
    ...webOptions(limits),
    ...contextOf(options.tls),
    handshakeTimeout: limits.peekMs,
    requestCert: true,
    // A member that joins has no certificate yet: who calls is decided for each request.
    rejectUnauthorized: false,
  })
  server.on('request', options.listener)
  if (options.upgrade !== undefined) server.on('upgrade', guardUpgrade(options))
  return server
}

function createPlain(options: ControlServerOptions, limits: ControlLimits): HttpServer {
  const server = createHttpServer(webOptions(limits))
  const gate = createPlainGate(options.insecure)
  server.on('request', (request, response) => {
    const refusal = gate(request)
    if (refusal === undefined) options.listener(request, response)
    else refuse(response, refusal)
  })
  if (options.upgrade === undefined) return server
  const guarded = guardUpgrade(options)
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const refusal = gate(request)
    if (refusal === undefined) guarded(request, socket, head)
    else refuseUpgrade(socket, refusal)
  })
  return server
}

/** An upgraded socket has left the server that would have heard its errors. */
function guardUpgrade({ listener, upgrade }: ControlServerOptions): ControlUpgrade {
  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    if (mayIgnoreOffer(request)) ignoreOffer(request, socket, listener)
    else upgrade?.(request, socket, head)
  }
}

function webOptions(limits: ControlLimits) {
  return {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytesMax,
    connectionsCheckingInterval: limits.checkEveryMs,
  }
}

function contextOf(tls: ServerTls) {
  return { key: tls.key, cert: tls.cert, ca: tls.ca, minVersion: 'TLSv1.2' } as const
}

function protect(web: WebServer, limits: ControlLimits, closing: AbortSignal): void {
  web.maxHeadersCount = limits.headersMax
  web.timeout = limits.idleMs
  web.prependListener('request', (_: IncomingMessage, response: ServerResponse) => {
    if (closing.aborted) response.setHeader('connection', 'close')
    // One that was under way as the closing began: its connection would be kept for nothing.
    response.once('close', () => {
      if (closing.aborted) response.req.socket.end()
    })
  })
  // It never listens itself, but Node begins to enforce the time-outs of a server only then.
  web.emit('listening')
}

interface Closing {
  readonly fronts: readonly Server[]
  readonly webs: readonly WebServer[]
  readonly sockets: ReadonlySet<Socket>
  readonly silent: ReadonlySet<Socket>
}

async function closeAll(
  { fronts, webs, sockets, silent }: Closing,
  graceMs: number,
): Promise<void> {
  const closed = Promise.all(
    fronts.map((front) => new Promise<void>((resolve) => front.close(() => resolve()))),
  )
  for (const socket of silent) socket.destroy()
  for (const web of webs) web.closeIdleConnections()
  const cancel = after(graceMs, () => {
    for (const socket of sockets) socket.destroy()
  })
  await closed
  cancel()
  // Ends the watch over the time-outs; that they never listened is no error here.
  for (const web of webs) web.close(() => undefined)
}
