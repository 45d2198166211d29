import type { ProxyView } from '../shared/api.ts'
import type { ProxyId, ReplicaId, RouteRevision, ServiceId } from '../shared/model.ts'
import type { Measurements, ProxyJoin } from '../shared/protocol.ts'
import type { ProxyObservation } from './decide/observed.ts'
import { type Demanded, shareOf } from './decide/permits.ts'

interface Watched {
  readonly boot: string
  readonly url: string
  seenAtMs: number
  seq: number
  routes: RouteRevision
  inFlight: ReadonlyMap<ReplicaId, number>
  /** Requests per second of each service, waiting ones included: what its shares follow. */
  demand: ReadonlyMap<ServiceId, number>
}

export interface ProxyWatchLimits {
  readonly leaseMs: number
  /** For so long a proxy that vanished may hold demand that nobody else shows yet. */
  readonly lostDemandMs: number
}

/** What a replica may have in flight, over all proxies. */
export interface ReplicaPermits {
  readonly replica: ReplicaId
  readonly service: ServiceId
  readonly permits: number
}

/** Demand is smoothed over some seconds, so that shares do not follow every ripple. */
const DEMAND_MS = 2_000
/** Each proxy counts as if it had this much: the first request of one finds a permit. */
const DEMAND_MIN = 1
const DEMAND_FORGOTTEN = 0.01

/** What proxies told: which table they serve, and what they have in flight. */
export class ProxyWatch {
  readonly #limits: ProxyWatchLimits
  readonly #proxies = new Map<ProxyId, Watched>()

  constructor(limits: ProxyWatchLimits) {
    this.#limits = limits
  }

  get proxies(): ReadonlyMap<ProxyId, ProxyObservation> {
    return this.#proxies
  }

  /** The same process may join again, to renew its certificate: what it told stays true. */
  join(join: ProxyJoin, address: string, nowMs: number): void {
    const url = `http://${join.address ?? address}:${join.port}`
    const known = this.#proxies.get(join.proxy)
    if (known?.boot === join.boot) {
      this.#proxies.set(join.proxy, { ...known, url, seenAtMs: nowMs })
      return
    }
    this.#proxies.set(join.proxy, {
      boot: join.boot,
      url,
      seenAtMs: nowMs,
      seq: 0,
      routes: { epoch: 0, seq: 0 },
      inFlight: new Map(),
      demand: new Map(),
    })
  }

  leave(proxy: ProxyId): void {
    this.#proxies.delete(proxy)
  }

  /** `unknown` must register again; `repeated` was counted already. */
  hear(sent: Measurements, nowMs: number): 'unknown' | 'repeated' | 'new' {
    const known = this.#proxies.get(sent.proxy)
    if (known === undefined || known.boot !== sent.boot) return 'unknown'
    known.seenAtMs = nowMs
    known.routes = sent.routes
    known.inFlight = new Map(Object.entries(sent.inFlight))
    if (sent.seq <= known.seq) return 'repeated'
    known.seq = sent.seq
    known.demand = demandAfter(known.demand, sent)
    return 'new'
  }

  /** Whether every proxy that may carry traffic reports; one that vanished may still carry some. */
  isComplete(nowMs: number): boolean {
    this.#forgetLost(nowMs)
    if (this.#proxies.size === 0) return false
    for (const proxy of this.#proxies.values()) {
      if (nowMs - proxy.seenAtMs >= this.#limits.leaseMs) return false
    }
    return true
  }

  /** This proxy's share of each replica's permits: by its demand, never less than one. */
  permits(
    proxy: ProxyId,
    replicas: Iterable<ReplicaPermits>,
    nowMs: number,
  ): Record<ReplicaId, number> {
    const demanded = new Map<ServiceId, readonly Demanded[]>()
    const shares: Record<ReplicaId, number> = {}
    for (const { replica, service, permits } of replicas) {
      const demands = demanded.get(service) ?? this.#demanded(service, nowMs)
      demanded.set(service, demands)
      shares[replica] = shareOf(proxy, replica, permits, demands)
    }
    return shares
  }

  list(nowMs: number): readonly ProxyView[] {
    return [...this.#proxies]
      .filter(([, proxy]) => nowMs - proxy.seenAtMs < this.#limits.leaseMs)
      .map(([id, { url, seenAtMs, routes }]) => ({
        id,
        url,
        seenAt: new Date(seenAtMs).toISOString(),
        routes: `${routes.epoch}.${routes.seq}`,
      }))
  }

  /** What live proxies need of a service; a silent one's part goes to the others. */
  #demanded(service: ServiceId, nowMs: number): readonly Demanded[] {
    const live = [...this.#proxies].filter(([, p]) => nowMs - p.seenAtMs < this.#limits.leaseMs)
    return live.map(([id, { demand }]) => ({
      proxy: id,
      demand: DEMAND_MIN + (demand.get(service) ?? 0),
    }))
  }

  #forgetLost(nowMs: number): void {
    for (const [id, proxy] of this.#proxies) {
      if (nowMs - proxy.seenAtMs >= this.#limits.lostDemandMs) this.#proxies.delete(id)
    }
  }
}

/** What clients bring counts, not what reached a replica: that is held back by the share itself. */
function demandAfter(
  before: ReadonlyMap<ServiceId, number>,
  { services, durationMs }: Measurements,
): ReadonlyMap<ServiceId, number> {
  const kept = Math.exp(-durationMs / DEMAND_MS)
  const after = new Map<ServiceId, number>()
  for (const [service, demand] of before) {
    if (demand * kept > DEMAND_FORGOTTEN) after.set(service, demand * kept)
  }
  for (const { service, arrivals, queued } of services) {
    const seen = (arrivals * 1_000) / durationMs + queued
    after.set(service, (after.get(service) ?? 0) + seen * (1 - kept))
  }
  return after
}
