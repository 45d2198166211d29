/** The API over a real ledger, real doors and a memory store; only the decisions do not run. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi } from '../../../master/api/app.ts'
import { Gate, type GateLimits } from '../../../master/api/gate.ts'
import { apiRoutes } from '../../../master/api/routes/routes.ts'
import { readMasterConfig } from '../../../master/config.ts'
import { DemandWindows } from '../../../master/decide/demand.ts'
import { conditionOf } from '../../../master/decide/liveness.ts'
import { Permits } from '../../../master/decide/permits.ts'
import { DecisionLog } from '../../../master/decision-log.ts'
import { History } from '../../../master/history.ts'
import { Ledger } from '../../../master/ledger.ts'
import { NodeWatch } from '../../../master/node-watch.ts'
import { Observations } from '../../../master/observations.ts'
import { openProxyDoor } from '../../../master/proxy-door.ts'
import { ProxyWatch } from '../../../master/proxy-watch.ts'
import { RouteTable } from '../../../master/route-table.ts'
import { createMemoryStore } from '../../../master/store/memory.ts'
import type { Store } from '../../../master/store/store.ts'
import { openStreamDoor } from '../../../master/streams/stream-door.ts'
import { createUpgrade } from '../../../master/streams/upgrade.ts'
import type { Caller, MasterSurface, Role } from '../../../master/surface.ts'
import { openWorkerDoor } from '../../../master/worker-door.ts'
import type { Change } from '../../../shared/change.ts'
import { type Clock, systemClock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import { type Heartbeat, WIRE_VERSION } from '../../../shared/protocol.ts'
import { type Bare, counter } from '../../support/worlds.ts'

export interface WorldShape {
  readonly argv?: readonly string[]
  readonly gate?: Partial<GateLimits>
  readonly keepEntries?: number
  readonly snapshotEvery?: number
  readonly openMsMax?: number
  readonly clock?: Clock
  /** Replaces parts of the surface, for what the real ones cannot be made to do. */
  readonly change?: (master: MasterSurface) => MasterSurface
}

export interface Reply {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects to be there.
  readonly body: any
}

interface Parts {
  readonly ledger: Ledger
  readonly nodes: NodeWatch
  readonly demand: DemandWindows
  readonly routes: RouteTable
  readonly decisions: DecisionLog
  readonly store: Store
  readonly logged: string[]
  readonly levels: string[]
  readonly ending: AbortController
  readonly server: Server
}

const HOUR = 3_600_000

export class ApiWorld {
  readonly parts: Parts
  readonly url: string

  private constructor(parts: Parts) {
    this.parts = parts
    this.url = `http://127.0.0.1:${(parts.server.address() as AddressInfo).port}`
  }

  static async start(shape: WorldShape = {}): Promise<ApiWorld> {
    const clock = shape.clock ?? systemClock
    const nowMs = (): number => clock.nowMs()
    const config = readMasterConfig({ argv: shape.argv ?? [], environment: {} })
    const store = createMemoryStore()
    const logged: string[] = []
    const log = logInto(logged)
    const { snapshotEvery = 1_000_000, keepEntries = 1_000 } = shape
    const ledger = await Ledger.open(store, { log, snapshotEvery, keepEntries })
    const nodes = new NodeWatch()
    const leaseMs = HOUR
    const proxies = new ProxyWatch({ leaseMs, lostDemandMs: HOUR })
    const windows = { samplesMin: 20, recentMaxMs: 10_000, windowMs: 10_000, windowsMax: 9 }
    const demand = new DemandWindows(windows, nowMs())
    const routes = new RouteTable(ledger.epoch)
    const decisions = new DecisionLog()
    const observed = new Observations({ sinceMs: nowMs(), nowMs, nodes, proxies, demand, routes })
    const newId = counter('0000-id-')
    const base = { ledger, nowMs, newId, wake: () => undefined, certify: async () => 'PEM' }
    const levels: string[] = []
    const master: MasterSurface = {
      desired: ledger.desired,
      observed,
      nowMs,
      conditionOf: (node) => conditionOf(node, observed, config, nowMs()),
      commit: (intent, actor) =>
        ledger.commit((desired) => intent(desired, { nowMs: nowMs(), actor, newId })),
      workers: openWorkerDoor({
        ...base,
        watch: nodes,
        suspectAfterMs: 2_500,
        heartbeatEveryMs: 1_000,
      }),
      proxies: openProxyDoor({
        ...{ ...base, watch: proxies, demand, routes, leaseMs },
        permits: new Permits(),
      }),
      events: {
        readFrom: (revision, limit) => store.readFrom(revision, limit),
        watch: (revision, signal) => store.watch(revision, signal),
        get head() {
          return ledger.desired.revision
        },
      },
      decisions,
      streams: openStreamDoor({ ledger, log, openMsMax: shape.openMsMax ?? HOUR }),
      history: new History({ sampleEveryMs: 10_000, retentionMs: 60_000 }),
      health: () => ({
        status: 'ok',
        version: '0',
        epoch: ledger.epoch,
        revision: ledger.desired.revision,
        startedAt: new Date(nowMs()).toISOString(),
        components: {},
      }),
      metrics: async () => 'up 1\n',
      setLogLevel: (level) => {
        levels.push(level)
      },
    }
    const ending = new AbortController()
    const served = shape.change?.(master) ?? master
    const gate = new Gate({ ...config, ...shape.gate })
    const common = { identify: callerIn, gate, log, ending: ending.signal }
    const { longPollMs } = config
    const api = createApi(served, { ...common, services: config, longPollMs, clock })
    const server = createServer(api)
    server.on('upgrade', createUpgrade(apiRoutes(served, config), common))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const parts = {
      ledger,
      nodes,
      demand,
      routes,
      decisions,
      store,
      logged,
      levels,
      ending,
      server,
    }
    return new ApiWorld(parts)
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const sent = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${this.url}${path}`, {
      method,
      signal: AbortSignal.timeout(20_000),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent === undefined ? {} : { body: sent }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.startsWith('application/json')
    const answered = isJson === true ? JSON.parse(text) : text
    return { status: response.status, headers: response.headers, body: answered }
  }

  as(role: Role, subject?: string): Record<string, string> {
    return { 'x-role': role, ...(subject === undefined ? {} : { 'x-subject': subject }) }
  }

  apply(...changes: readonly Bare[]): Promise<number> {
    const atMs = systemClock.nowMs()
    return this.parts.ledger.commit(() =>
      changes.map((change) => ({ atMs, actor: 'test', reason: 'test', ...change }) as Change),
    )
  }

  async join(name: string): Promise<string> {
    const capacity = { cpus: 4, memoryMb: 8_192 }
    const join = { wire: WIRE_VERSION, name, driver: 'process', capacity, address: '10.0.0.1' }
    return (await this.call('POST', '/v1/nodes', join)).body.node
  }

  beat(node: string, replicas: Heartbeat['replicas'] = []): Promise<Reply> {
    return this.call('POST', `/v1/nodes/${node}/heartbeat`, heartbeat({ replicas }))
  }

  async stop(): Promise<void> {
    this.parts.ending.abort()
    this.parts.server.closeAllConnections()
    this.parts.server.close()
    await this.parts.store.close()
  }
}

let beats = 0

export function heartbeat(changes: Partial<Heartbeat> = {}): Heartbeat {
  beats += 1
  return {
    wire: WIRE_VERSION,
    boot: 'b1',
    seq: beats,
    full: true,
    load: {
      cpuPercent: 12.34,
      memoryPercent: 50,
      diskPercent: 7,
      networkInBytes: 0,
      networkOutBytes: 0,
    },
    replicas: [],
    gone: [],
    assignments: 0,
    ...changes,
  }
}

/** In these tests anybody is who he says he is; nobody says it by default and is admin. */
function callerIn({ headers }: IncomingMessage): Caller {
  const role = (headers['x-role'] ?? 'admin') as Role
  const subject = headers['x-subject']
  return { address: '127.0.0.1', role, ...(typeof subject === 'string' ? { subject } : {}) }
}

function logInto(lines: string[]): Log {
  const line = (message: string, fields?: unknown): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  return { error: line, warn: line, info: line, debug: line }
}
