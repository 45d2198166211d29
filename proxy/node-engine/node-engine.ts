import { createServer, type Server } from 'node:http'
import type { Socket } from 'node:net'
import { type Clock, systemClock } from '../../shared/clock.ts'
import type { Engine, EngineLimits } from '../engine.ts'
import { listen } from '../listening.ts'
import type { Traffic } from '../traffic.ts'
import { Connections } from './connections.ts'
import { Front } from './front.ts'
import { answerOwn } from './own-answer.ts'
import { createPool } from './pool.ts'

export interface NodeEngineOptions {
  readonly host: string
  readonly port: number
  readonly limits: EngineLimits
  readonly traffic: Traffic
}

const CLOSE_POLL_MS = 20
const TIMEOUT_CHECK_MS = 1_000

/** The engine on node's own HTTP modules. */
export function createNodeEngine(options: NodeEngineOptions): Engine {
  const { limits, traffic } = options
  const pool = createPool(limits)
  const connections = new Connections()
  const front = new Front({ limits, traffic, pool, connections })
  const server = createFrontServer(front, limits)
  connections.watch(server)
  return {
    listen: () => listen(server, options.host, options.port),
    close: async (graceMs) => {
      front.startClosing()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      await idle(front, graceMs, systemClock)
      connections.destroyAll()
      pool.destroy()
      await closed
    },
  }
}

function createFrontServer(front: Front, limits: EngineLimits): Server {
  const server = createServer({
    maxHeaderSize: limits.headerBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    // A body may take as long as it keeps moving: the idle limit watches over it.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
  })
  server.timeout = limits.bodyIdleMs
  server.maxConnections = limits.connectionsMax
  // Node would drop further headers silently, but still frame the body by them.
  server.maxHeadersCount = 0
  server.on('request', (request, response) => front.request(request, response))
  // The client is told to continue once somebody is there to take its body.
  server.on('checkContinue', (request, response) => front.request(request, response))
  server.on('checkExpectation', (_request, response) => {
    const message = 'Cannot take the request: it expects what is not known'
    answerOwn(response, { status: 417, code: 'EXPECTATION_FAILED', message, close: true })
  })
  server.on('upgrade', (request, socket: Socket, head) => front.upgrade(request, socket, head))
  return server
}

/** Waits until nothing is in flight, or the grace ends. */
async function idle(front: Front, graceMs: number, clock: Clock): Promise<void> {
  const untilMs = clock.nowMs() + graceMs
  while (front.inFlight > 0 && clock.nowMs() < untilMs) await clock.sleep(CLOSE_POLL_MS)
}
