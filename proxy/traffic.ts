import { after } from '../shared/clock.ts'
import type { ReplicaId, RouteFragment, RouteRevision, ServiceId } from '../shared/model.ts'
import type { RoutesAnswer } from '../shared/protocol.ts'
import { Meter } from './decide/meter.ts'
import type { QueueLimits } from './decide/queue-limits.ts'
import { RetryBudget, type RetryLimits } from './decide/retry-budget.ts'
import { routeNameOf } from './decide/route-index.ts'
import { type Applied, RouteTable, type SavedTable } from './decide/route-table.ts'
import { ServiceQueue } from './decide/service-queue.ts'
import { ServiceTraffic } from './service-traffic.ts'
import { Totals } from './totals.ts'

/** What each replica may have at once from this proxy, and of which services that is known. */
export interface Shares {
  readonly permits: ReadonlyMap<ReplicaId, number>
  readonly learned: ReadonlySet<ServiceId>
}

/** While an objective is missed the master hears of it this often. */
const MISSED_EVERY_MS = 200
/** How closely waiting requests are watched. */
const TICK_MS = 3

export interface TrafficLimits {
  readonly queue: QueueLimits
  readonly retry: RetryLimits
}

/** Everything that decides about requests and measures them, whatever engine carries them. */
export class Traffic {
  readonly table = new RouteTable()
  readonly meter = new Meter()
  readonly totals = new Totals()
  readonly nowMs: () => number
  readonly #limits: TrafficLimits
  readonly #services = new Map<ServiceId, ServiceTraffic>()
  #shares: Shares = { permits: new Map(), learned: new Set() }
  #onNews: () => void = () => undefined
  #onLost: (replicas: readonly ReplicaId[]) => void = () => undefined
  #missedAtMs = Number.NEGATIVE_INFINITY
  #ticking = false

  constructor(limits: TrafficLimits, nowMs: () => number) {
    this.#limits = limits
    this.nowMs = nowMs
  }

  get services(): Iterable<ServiceTraffic> {
    return this.#services.values()
  }

  /** This proxy's share of what each replica can do at once. */
  get shares(): ReadonlyMap<ReplicaId, number> {
    return this.#shares.permits
  }

  /** Services whose permits are no guess. */
  get learned(): ReadonlySet<ServiceId> {
    return this.#shares.learned
  }

  /** Requests per replica, also to those that left the table; never one with zero. */
  get inFlight(): ReadonlyMap<ReplicaId, number> {
    const inFlight = new Map<ReplicaId, number>()
    for (const { queue } of this.#services.values()) {
      for (const { id, inFlight: own, lasting } of queue.replicas.values()) {
        if (own + lasting > 0) inFlight.set(id, own + lasting)
      }
    }
    return inFlight
  }

  /** Replicas that get nothing for now, because they fail or are slow. */
  get avoided(): readonly ReplicaId[] {
    return [...this.#services.values()].flatMap(({ queue }) =>
      [...queue.replicas.values()].filter(({ trouble }) => trouble.isEjected).map(({ id }) => id),
    )
  }

  /** Calls back when the master should hear at once: a drain ended, an objective is missed. */
  onNews(callback: () => void): void {
    this.#onNews = callback
  }

  /** Calls back with replicas whose machines are given up. */
  onLost(callback: (replicas: readonly ReplicaId[]) => void): void {
    this.#onLost = callback
  }

  restore(saved: SavedTable): void {
    this.table.restore(saved)
    this.#settle()
  }

  apply(answer: RoutesAnswer, after: RouteRevision | undefined): Applied {
    const applied = this.table.apply(answer, after)
    if (applied.kind !== 'applied') return applied
    this.#settle()
    if (applied.lost.length > 0) this.#onLost(applied.lost)
    if (applied.removed.length > 0) this.#onNews()
    return applied
  }

  /** The last shares hold until others are told. */
  put(shares: Shares): void {
    this.#shares = shares
    for (const service of this.#services.values()) {
      service.queue.put(shares.permits, shares.learned.has(service.id))
      service.pump()
    }
  }

  /** The traffic of a service that the table knows. */
  of(fragment: RouteFragment): ServiceTraffic {
    const known = this.#services.get(fragment.service)
    if (known !== undefined) return known
    const service = this.#begin(fragment)
    this.#services.set(fragment.service, service)
    return service
  }

  /** How many wait in each service, for the reports. */
  get queued(): ReadonlyMap<ServiceId, number> {
    const queued = new Map<ServiceId, number>()
    for (const { id, queue } of this.#services.values()) {
      if (queue.waiting > 0) queued.set(id, queue.waiting)
    }
    return queued
  }

  #begin(fragment: RouteFragment): ServiceTraffic {
    const queue = new ServiceQueue(this.#limits.queue, Math.random)
    queue.put(this.#shares.permits, this.#shares.learned.has(fragment.service))
    const parts = {
      queue,
      budget: new RetryBudget(this.#limits.retry),
      meter: this.meter,
      total: this.totals.of(fragment.service, fragment.name),
    }
    return new ServiceTraffic(fragment, parts, {
      nowMs: this.nowMs,
      watch: () => this.#watch(),
      missed: () => this.#missed(),
      drained: () => this.#onNews(),
    })
  }

  /** A service misses its objective: worth telling early, but not with every answer. */
  #missed(): void {
    const nowMs = this.nowMs()
    if (nowMs - this.#missedAtMs < MISSED_EVERY_MS) return
    this.#missedAtMs = nowMs
    this.#onNews()
  }

  #settle(): void {
    const { fragments } = this.table
    for (const fragment of fragments) {
      const service = this.of(fragment)
      service.update(fragment)
      service.total.keepOnlyRoutes(new Set(fragment.routes.map(routeNameOf)))
    }
    for (const [id, service] of this.#services) {
      if (this.table.fragment(id) === undefined) this.#retire(id, service)
    }
    this.totals.keepOnly(new Set(this.#services.keys()))
  }

  /** A service that was removed stays for as long as something of it is under way. */
  #retire(id: ServiceId, service: ServiceTraffic): void {
    if (service.isQuiet) {
      this.#services.delete(id)
      return
    }
    const { fragment } = service
    const { comes: _, ...rest } = fragment
    service.update({ ...rest, endpoints: [], absence: `"${fragment.name}" was removed` })
  }

  #watch(): void {
    if (this.#ticking) return
    this.#ticking = true
    after(TICK_MS, () => this.#tick())
  }

  #tick(): void {
    this.#ticking = false
    const nowMs = this.nowMs()
    let more = false
    for (const service of this.#services.values()) more = service.tick(nowMs) || more
    if (more) this.#watch()
  }
}
