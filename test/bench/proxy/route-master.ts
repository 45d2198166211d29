/**
 * A master that only publishes routes and hears measurements, with the table, the memory of proxies
 * and the rule of drains of the real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { drained } from '../../../master/decide/drain.ts'
import type { Observed } from '../../../master/decide/observed.ts'
import { ProxyWatch } from '../../../master/proxy-watch.ts'
import { RouteTable } from '../../../master/route-table.ts'
import { deadline, systemClock } from '../../../shared/clock.ts'
import type { Replica, RouteFragment, RouteRevision } from '../../../shared/model.ts'
import { measurementsSchema, proxyJoinSchema, WIRE_VERSION } from '../../../shared/protocol.ts'
import { until } from '../../support/until.ts'

const EPOCH = 1
const LEASE_MS = 5_000
const LONG_POLL_MS = 20_000
const DRAIN_MAX_MS = 30_000

export class RouteMaster {
  readonly #table = new RouteTable(EPOCH)
  readonly #watch = new ProxyWatch({
    leaseMs: LEASE_MS,
    lostDemandMs: 60_000,
  })
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
  }

  static async start(): Promise<RouteMaster> {
    const master = new RouteMaster()
    await new Promise<void>((resolve) => master.#server.listen(0, '127.0.0.1', resolve))
    return master
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  publish(fragments: readonly RouteFragment[]): void {
    this.#table.publish(fragments)
  }

  /** Resolves once every live proxy serves the table that was published last. */
  async acknowledged(): Promise<void> {
    await until(() => {
      const { revision } = this.#table.published
      const proxies = [...this.#watch.proxies.values()].filter(({ seenAtMs }) => isLive(seenAtMs))
      return proxies.length > 0 && proxies.every(({ routes }) => routes.seq === revision?.seq)
    })
  }

  /** Resolves once no request can reach a replica that was taken out of the table before. */
  async drained(id: string): Promise<void> {
    const drainingSinceMs = systemClock.nowMs()
    const replica: Replica = {
      id,
      service: 'web',
      revision: 1,
      createdAtMs: drainingSinceMs,
      drainingSinceMs,
    }
    const limits = { proxyLeaseMs: LEASE_MS, drainMaxMs: DRAIN_MAX_MS }
    const answer = await until(
      () => drained(replica, this.#observed(), limits, systemClock.nowMs()),
      { timeoutMs: 2 * DRAIN_MAX_MS, everyMs: 5 },
    )
    if (answer !== 'drained') throw new Error(`Cannot drain ${id}: ${answer}`)
  }

  #observed(): Observed {
    return {
      sinceMs: 0,
      nodes: new Map(),
      proxies: this.#watch.proxies,
      demandOf: () => ({ windows: [] }),
      demandComplete: false,
      routes: this.#table.published,
    }
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request
    const nowMs = systemClock.nowMs()
    if (method === 'GET' && url.startsWith('/v1/routes')) {
      const after = new URL(url, this.url).searchParams.get('after')
      send(response, await this.#table.after(revisionOf(after), deadline(LONG_POLL_MS)))
    } else if (method === 'POST' && url === '/v1/proxies') {
      const join = proxyJoinSchema.parse(await bodyOf(request))
      this.#watch.join(join, '127.0.0.1', nowMs)
      send(response, { wire: WIRE_VERSION, epoch: EPOCH, leaseMs: LEASE_MS })
    } else if (method === 'DELETE' && url.startsWith('/v1/proxies/')) {
      this.#watch.leave(decodeURIComponent(url.slice('/v1/proxies/'.length)))
      response.writeHead(204).end()
    } else if (method === 'POST' && url === '/v1/measurements') {
      const heard = this.#watch.hear(measurementsSchema.parse(await bodyOf(request)), nowMs)
      const wantJoin = heard === 'unknown'
      send(response, { wire: WIRE_VERSION, epoch: EPOCH, permits: {}, wantJoin })
    } else {
      response.writeHead(404).end()
    }
  }
}

function isLive(seenAtMs: number): boolean {
  return systemClock.nowMs() - seenAtMs < LEASE_MS
}

function revisionOf(text: string | null): RouteRevision | undefined {
  const [epoch, seq] = (text ?? '').split('.').map(Number)
  return epoch === undefined || seq === undefined ? undefined : { epoch, seq }
}

function send(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
