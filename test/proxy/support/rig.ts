/** An engine on a free port in front of real servers, and raw clients to talk to it. */
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { type ProxyConfig, readProxyConfig, trafficLimits } from '../../../proxy/config.ts'
import type { EngineLimits } from '../../../proxy/engine.ts'
import type { TransportName } from '../../../proxy/http1/transport.ts'
import { openEngine } from '../../../proxy/open-engine.ts'
import { Traffic } from '../../../proxy/traffic.ts'
import { systemClock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { RouteFragment } from '../../../shared/model.ts'
import { WIRE_VERSION } from '../../../shared/protocol.ts'
import { until } from '../../support/until.ts'

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
}

const unheard = (): void => undefined
const noLog: Log = { error: unheard, warn: unheard, info: unheard, debug: unheard }

let engineUsed: EngineName = 'http1'

/** What carries the traffic of the rigs of this test file that do not say it themselves. */
export function useEngine(engine: EngineName): void {
  engineUsed = engine
}

export async function startRig(
  services: Readonly<Record<string, readonly number[]>>,
  limits: Partial<EngineLimits> = {},
  how: RigOptions = {},
): Promise<Rig> {
  const { engine: engineName = engineUsed, transport = 'auto' } = how
  const given = readProxyConfig({ argv: how.flags ?? [], environment: {} })
  const config: ProxyConfig = { ...given, ...limits, engine: engineName, transport }
  const traffic = new Traffic(trafficLimits(config), systemClock.nowMs)
  const fragments = Object.entries(services).map(([name, ports]) => fragmentOf(name, ports))
  publish(traffic, fragments)
  const engine = await openEngine(config, traffic, noLog)
  const port = await engine.listen({ host: '127.0.0.1', port: 0 })
  let closed: Promise<void> | undefined
  const close = (graceMs: number): Promise<void> => {
    closed ??= engine.close(graceMs)
    return closed
  }
  closers.push(() => close(0))
  return { port, url: `http://127.0.0.1:${port}`, traffic, close }
}

export function publish(traffic: Traffic, fragments: readonly RouteFragment[]): void {
  const { epoch, seq } = traffic.table.revision ?? { epoch: 1, seq: 0 }
  const list = fragments.map((f) => ({ ...f, routes: [...f.routes], endpoints: [...f.endpoints] }))
  traffic.apply(
    {
      wire: WIRE_VERSION,
      revision: { epoch, seq: seq + 1 },
      snapshot: true,
      fragments: list,
      removed: [],
    },
    undefined,
  )
}

export function fragmentOf(
  name: string,
  ports: readonly number[],
  more: Partial<RouteFragment> = {},
): RouteFragment {
  return {
    service: `id-${name}`,
    name,
    objective: { percentile: 95, latencyTargetMs: 100 },
    routes: [],
    endpoints: ports.map((port) => ({
      replica: `${name}-${port}`,
      node: 'n1',
      host: '127.0.0.1',
      port,
      suspect: false,
    })),
    ...more,
  }
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
