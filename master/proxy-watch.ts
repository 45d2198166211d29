import type { ProxyView } from '../shared/api.ts'
import type { ProxyId, ReplicaId, RouteRevision } from '../shared/model.ts'
import type { Measurements, ProxyJoin } from '../shared/protocol.ts'
import type { ProxyObservation } from './decide/observed.ts'

interface Watched {
  readonly boot: string
  readonly url: string
  seenAtMs: number
  seq: number
  routes: RouteRevision
  inFlight: ReadonlyMap<ReplicaId, number>
  /** Requests per replica in its last measurement: what its share of permits follows. */
  arrivals: ReadonlyMap<ReplicaId, number>
}

export interface ProxyWatchLimits {
  readonly leaseMs: number
  /** For so long a proxy that vanished may hold demand that nobody else shows yet. */
  readonly lostDemandMs: number
  readonly permitsPerReplica: number
}

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
      arrivals: new Map(),
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
    const replicas = sent.services.flatMap((service) => service.replicas)
    known.arrivals = new Map(replicas.map((replica) => [replica.replica, replica.arrivals]))
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
  permits(proxy: ProxyId, replicas: Iterable<ReplicaId>, nowMs: number): Record<string, number> {
    const live = [...this.#proxies].filter(([, p]) => nowMs - p.seenAtMs < this.#limits.leaseMs)
    const shares: Record<string, number> = {}
    for (const replica of replicas) {
      const demands = live.map(([id, { arrivals }]) => ({
        id,
        demand: (arrivals.get(replica) ?? 0) + 1,
      }))
      const all = demands.reduce((sum, { demand }) => sum + demand, 0)
      const own = demands.find(({ id }) => id === proxy)?.demand ?? 1
      const share = (this.#limits.permitsPerReplica * own) / Math.max(1, all)
      shares[replica] = Math.max(1, Math.floor(share))
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

  #forgetLost(nowMs: number): void {
    for (const [id, proxy] of this.#proxies) {
      if (nowMs - proxy.seenAtMs >= this.#limits.lostDemandMs) this.#proxies.delete(id)
    }
  }
}
