/** An engine on a free port in front of real servers, and raw clients to talk to it. */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { beforeAll, describe } from 'vitest'
import {
  engineLimits,
  type ProxyConfig,
  readProxyConfig,
  trafficLimits,
} from '../../../proxy/config.ts'
import type { Engine, EngineLimits } from '../../../proxy/engine.ts'
import { createHttp1Engine } from '../../../proxy/http1/http1-engine.ts'
import type { TransportName } from '../../../proxy/http1/transport.ts'
import { openEngine } from '../../../proxy/open-engine.ts'
import { Traffic } from '../../../proxy/traffic.ts'
import { systemClock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { transportsOf } from '../../wire/support/subject.ts'

const closers: (() => Promise<void>)[] = []

/** To be called after each test: closes whatever it opened, latest first. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}

export interface Rig {
  readonly port: number
  readonly url: string
  readonly traffic: Traffic
  close(graceMs: number): Promise<void>
}

export type EngineName = 'http1' | 'http-proxy'

export interface RigOptions {
  readonly engine?: EngineName
  readonly transport?: TransportName
  /** As they would be given to the program. */
  readonly flags?: readonly string[]
  /** The time as decisions and deadlines see it. */
  readonly nowMs?: () => number
}

const unheard = (): void => undefined
const noLog: Log = { error: unheard, warn: unheard, info: unheard, debug: unheard }

const TRANSPORTS = ['handle', 'onread', 'data'] as const

let engineUsed: EngineName = 'http1'
let transportUsed: TransportName | undefined

/** What carries the traffic of the rigs of this test file that do not say it themselves. */
export function useEngine(engine: EngineName): void {
  engineUsed = engine
}

/** The same tests on every transport of the own engine; once on an engine that has none. */
export function onEachTransport(tests: () => void): void {
  if (engineUsed !== 'http1') return void describe(`on ${engineUsed}`, tests)
  describe.each(TRANSPORTS)('on the transport %s', (transport) => {
    beforeAll(() => {
      transportUsed = transport
    })
    tests()
  })
}

export async function startRig(
  services: Readonly<Record<string, readonly number[]>>,
  limits: Partial<EngineLimits> = {},
  how: RigOptions = {},
): Promise<Rig> {
  const { engine: engineName = engineUsed, transport = transportUsed } = how
  const given = readProxyConfig({ argv: how.flags ?? [], environment: {} })
  // A test that moves the time by leaps must not overtake a connection that is being opened.
  const patience = how.nowMs === undefined ? {} : { connectTimeoutMs: 600_000 }
  const config: ProxyConfig = { ...given, ...patience, ...limits, engine: engineName }
  const traffic = new Traffic(trafficLimits(config), how.nowMs ?? systemClock.nowMs)
  const fragments = Object.entries(services).map(([name, ports]) => fragmentOf(name, ports))
  publish(traffic, fragments)
  const engine = await engineOf(config, traffic, transport)
  const port = await engine.listen({ host: '127.0.0.1', port: 0 })
  let closed: Promise<void> | undefined
  const close = (graceMs: number): Promise<void> => {
    closed ??= engine.close(graceMs)
    return closed
  }
  closers.push(() => close(0))
  return { port, url: `http://127.0.0.1:${port}`, traffic, close }
}

/** A transport that a test names is tested once for all rigs of its file. */
async function engineOf(
  config: ProxyConfig,
  traffic: Traffic,
  transport: TransportName | undefined,
): Promise<Engine> {
  if (config.engine !== 'http1' || transport === undefined) {
    return openEngine(config, traffic, noLog)
  }
  const transports = await transportsOf(transport)
  return createHttp1Engine({ limits: engineLimits(config), traffic, transports })
}

/** A real HTTP server; answers its port. */
export async function upstream(listener: RequestListener): Promise<number> {
  return opened(createHttpServer(listener))
}

/** Answers with what it was asked, as JSON. */
export function echoUpstream(): Promise<number> {
  return upstream((request, response) => {
    const { method, url, headers } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      response.end(JSON.stringify({ method, url, headers, body }))
    })
  })
}

/** A server that speaks bytes: for what no decent server would say. */
export async function rawUpstream(onSocket: (socket: Socket) => void): Promise<number> {
  return opened(createServer(onSocket))
}

export async function opened(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

/** A port that nothing listens on. */
export async function deadPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A client that sends exactly these bytes and keeps all that comes back. */
export class RawClient {
  readonly socket: Socket
  received = ''
  closed = false

  constructor(port: number, bytes = '') {
    this.socket = connect(port, '127.0.0.1')
    this.socket.setEncoding('latin1')
    this.socket.on('data', (text: string) => {
      this.received += text
    })
    this.socket.on('error', () => this.socket.destroy())
    this.socket.on('close', () => {
      this.closed = true
    })
    closers.push(async () => {
      this.socket.destroy()
    })
    if (bytes !== '') this.send(bytes)
  }

  send(bytes: string): void {
    this.socket.write(bytes, 'latin1')
  }

  /** Everything that came until the connection was closed. */
  async all(): Promise<string> {
    await until(() => this.closed)
    return this.received
  }

  async receives(pattern: RegExp): Promise<RegExpExecArray> {
    return until(() => pattern.exec(this.received))
  }
}

/** The text of a request without a body. */
export function get(path: string, ...headers: readonly string[]): string {
  return [`GET ${path} HTTP/1.1`, 'Host: t', ...headers, '', ''].join('\r\n')
}
