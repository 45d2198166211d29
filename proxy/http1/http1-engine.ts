import { createServer, type Server, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { Certificates } from '../certificates.ts'
import type { Engine, EngineLimits } from '../engine.ts'
import { listen, stopListening } from '../listening.ts'
import { createTlsServer } from '../tls.ts'
import type { Traffic } from '../traffic.ts'
import { ClientConnection } from './client-connection.ts'
import { Deadlines } from './deadlines.ts'
import type { EngineParts } from './engine-parts.ts'
import { Front } from './front.ts'
import type { ClientParts } from './handling.ts'
import { Introductions } from './introduction.ts'
import { Outgoing } from './outgoing.ts'
import { RequestHead } from './parsing/request-head.ts'
import { ResponseHead } from './parsing/response-head.ts'
import { RandomIds } from './random-ids.ts'
import { RequestWriter } from './request-writer.ts'
import { ResponseWriter } from './response-writer.ts'
import type { Transports } from './transport.ts'
import { dataTransports } from './transports/data.ts'
import { Upstreams } from './upstreams.ts'

export interface Http1EngineOptions {
  readonly limits: EngineLimits
  readonly traffic: Traffic
  readonly transports: Transports
}

const CLOSE_POLL_MS = 20
/** How long clients may take to close after their last answer. */
const LEAVE_MS = 2_000

/** The engine that reads and writes HTTP/1.1 itself. */
export function createHttp1Engine(options: Http1EngineOptions): Engine {
  const { limits, traffic, transports } = options
  const engine = createParts(limits, traffic, transports)
  const clients = new Set<ClientConnection>()
  const onEnd = (client: ClientConnection): void => void clients.delete(client)
  const parts: ClientParts = { engine, transports, door: new Front(engine), onEnd }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true })
  server.maxConnections = limits.connectionsMax
  server.on('connection', (socket: Socket) => {
    clients.add(new ClientConnection(socket, false, parts))
  })
  traffic.onLost((replicas) => engine.upstreams.lost(replicas))
  const servers: Server[] = [server]
  return {
    listen: (on) => listen(server, on),
    listenSecure: (on, certificates) => {
      const secure = openSecure(certificates, parts, clients)
      servers.push(secure)
      return listen(secure, on)
    },
    close: (graceMs) => close({ servers, engine, clients }, graceMs, systemClock),
    handOver: (graceMs) => handOver({ servers, engine, clients }, graceMs, systemClock),
  }
}

/** TLS sockets are not their handles' alone: only what is public moves their bytes. */
function openSecure(
  certificates: Certificates,
  parts: ClientParts,
  clients: Set<ClientConnection>,
): Server {
  const { limits } = parts.engine
  const secureParts = { ...parts, transports: dataTransports }
  const server = createTlsServer({
    certificates,
    protocols: ['http/1.1'],
    handshakeTimeoutMs: limits.headersTimeoutMs,
    connectionsMax: limits.connectionsMax,
  })
  server.on('secureConnection', (socket) => {
    clients.add(new ClientConnection(socket, true, secureParts))
  })
  return server
}

function createParts(limits: EngineLimits, traffic: Traffic, transports: Transports): EngineParts {
  return {
    limits,
    traffic,
    deadlines: new Deadlines(traffic.nowMs),
    outgoing: new Outgoing(),
    upstreams: new Upstreams(transports),
    introductions: new Introductions(limits.startsTraces),
    requestHead: new RequestHead(),
    responseHead: new ResponseHead(),
    requestWriter: new RequestWriter(new RandomIds()),
    responseWriter: new ResponseWriter(),
    nowMs: traffic.nowMs,
    isClosing: false,
    underWay: 0,
  }
}

interface Closing {
  readonly servers: readonly Server[]
  readonly engine: EngineParts
  readonly clients: ReadonlySet<ClientConnection>
}

/** Accepts nothing new, lets what is under way finish within the grace, then cuts it. */
async function close(
  { servers, engine, clients }: Closing,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  engine.isClosing = true
  const closed = Promise.all(servers.map(closedServer))
  for (const client of [...clients]) if (client.isIdle) client.endAfterWriting()
  const untilMs = clock.nowMs() + graceMs
  while (engine.underWay > 0 && clock.nowMs() < untilMs) await clock.sleep(CLOSE_POLL_MS)
  // The last answers are written; that they arrived, the clients say by closing.
  const leftUntilMs = Math.min(untilMs, clock.nowMs() + LEAVE_MS)
  while (clients.size > 0 && clock.nowMs() < leftUntilMs) await clock.sleep(CLOSE_POLL_MS)
  end(engine, clients)
  await closed
}

/** As above, but whoever is idle has its connection until its next answer, or its time is over. */
async function handOver(
  { servers, engine, clients }: Closing,
  graceMs: number,
  clock: Clock,
): Promise<void> {
  engine.isClosing = true
  for (const server of servers) stopListening(server)
  const untilMs = clock.nowMs() + graceMs
  while (clients.size > 0 && clock.nowMs() < untilMs) await clock.sleep(CLOSE_POLL_MS)
  end(engine, clients)
}

function end(engine: EngineParts, clients: ReadonlySet<ClientConnection>): void {
  for (const client of [...clients]) client.destroy()
  engine.upstreams.destroyAll()
  engine.deadlines.stop()
}

function closedServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
