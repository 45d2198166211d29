import { createServer, type Server as HttpServer } from 'node:http'
import type { Server, Socket } from 'node:net'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { Certificates } from '../certificates.ts'
import type { Engine, EngineLimits } from '../engine.ts'
import { rejection } from '../http1/own-answer.ts'
import { listen, stopListening } from '../listening.ts'
import { createTlsServer } from '../tls.ts'
import type { Traffic } from '../traffic.ts'
import { keepingAgent } from './agents.ts'
import { Connections } from './connections.ts'
import type { EngineParts } from './engine-parts.ts'
import { Expected } from './expected.ts'
import { Front } from './front.ts'
import { HttpProxy } from './http-proxy.ts'

export interface HttpProxyEngineOptions {
  readonly limits: EngineLimits
  readonly traffic: Traffic
}

const CLOSE_POLL_MS = 20
/** How long clients may take to close after their last answer. */
const LEAVE_MS = 2_000
const TIMEOUT_CHECK_MS = 1_000

/** The engine on node's own HTTP server and the package http-proxy. */
export function createHttpProxyEngine({ limits, traffic }: HttpProxyEngineOptions): Engine {
  const parts: EngineParts = {
    limits,
    traffic,
    proxy: new HttpProxy(limits.headerBytesMax),
    agent: keepingAgent(limits),
    connections: new Connections(),
    expected: new Expected(),
    isClosing: false,
    underWay: 0,
  }
  const server = createFrontServer(new Front(parts), parts)
  traffic.onLost((replicas) => parts.expected.lost(replicas))
  const doors: Server[] = [server]
  return {
    listen: (on) => listen(server, on),
    listenSecure: (on, certificates) => {
      const secure = openSecure(certificates, server, limits)
      doors.push(secure)
      return listen(secure, on)
    },
    close: (graceMs) => close({ server, doors, parts }, graceMs, systemClock),
    handOver: (graceMs) => handOver({ server, doors, parts }, graceMs, systemClock),
  }
}

function createFrontServer(
  front: Front,
  { limits, connections, traffic }: EngineParts,
): HttpServer {
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // A body may take as long as it keeps moving: silence is watched instead.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(limits.headersTimeoutMs, TIMEOUT_CHECK_MS),
    insecureHTTPParser: false,
    // The reader of requests says so in its own words.
    requireHostHeader: false,
    noDelay: true,
  })
  server.timeout = limits.bodyIdleMs
  server.maxConnections = limits.connectionsMax
  // Node would drop further headers silently, but still frame the body by them.
  server.maxHeadersCount = 0
  connections.watch(server)
  server.on('request', (request, response) => front.request(request, response))
  // The client is told to continue once somebody is there to take its body.
  server.on('checkContinue', (request, response) => front.request(request, response))
  server.on('checkExpectation', (request, response) => front.request(request, response))
  server.on('upgrade', (request, socket: Socket, head) => front.upgrade(request, socket, head))
  server.on('connect', (_request, socket: Socket) => front.refuse(socket, 405))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    const status = statusOf(error)
    // Who said nothing at all hears nothing.
    if (status === undefined || socket.bytesRead === 0) return void socket.destroy()
    traffic.totals.unrouted(status)
    connections.broken(socket, rejection(status))
  })
  return server
}

/** Why node does not read on; undefined when nobody is there to be told. */
function statusOf({ code = '' }: NodeJS.ErrnoException): number | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return 431
  if (code === 'HPE_INVALID_VERSION') return 505
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408
  return code.startsWith('HPE_') ? 400 : undefined
}

function openSecure(certificates: Certificates, server: HttpServer, limits: EngineLimits): Server {
  const secure = createTlsServer({
    certificates,
    protocols: ['http/1.1'],
    handshakeTimeoutMs: limits.headersTimeoutMs,
    connectionsMax: limits.connectionsMax,
  })
  secure.on('secureConnection', (socket) => server.emit('connection', socket))
  return secure
}

interface Closing {
  readonly server: HttpServer
  readonly doors: readonly Server[]
  readonly parts: EngineParts
}

/** Accepts nothing new, lets what is under way finish within the grace, then cuts it. */
async function close(
  { server, doors, parts }: Closing,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  parts.isClosing = true
  const closed = Promise.all(doors.map(closedServer))
  server.closeIdleConnections()
  const untilMs = clock.nowMs() + graceMs
  while (parts.underWay > 0 && clock.nowMs() < untilMs) await clock.sleep(CLOSE_POLL_MS)
  // The last answers are written; that they arrived, the clients say by closing.
  const leftUntilMs = Math.min(untilMs, clock.nowMs() + LEAVE_MS)
  while (parts.connections.size > 0 && clock.nowMs() < leftUntilMs) await clock.sleep(CLOSE_POLL_MS)
  end(parts)
  await closed
}

/** As above, but whoever is idle has its connection until its next answer, or its time is over. */
async function handOver({ doors, parts }: Closing, graceMs: number, clock: Clock): Promise<void> {
  parts.isClosing = true
  for (const door of doors) stopListening(door)
  const untilMs = clock.nowMs() + graceMs
  while (parts.connections.size > 0 && clock.nowMs() < untilMs) await clock.sleep(CLOSE_POLL_MS)
  end(parts)
}

function end({ connections, agent }: EngineParts): void {
  connections.destroyAll()
  agent.destroy()
}

function closedServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
