import type { RouteFragment, ServiceId } from '../shared/model.ts'
import { latencyOf, type Meter, type Outcome } from './decide/meter.ts'
import type { ReplicaState } from './decide/replica-state.ts'
import type { RetryBudget } from './decide/retry-budget.ts'
import type { RouteClass } from './decide/route-index.ts'
import type { ServiceQueue } from './decide/service-queue.ts'
import type { Exchange } from './exchange.ts'
import type { ServiceTotals } from './totals.ts'

/** What a service asks of the traffic it is part of. */
export interface TrafficEars {
  readonly nowMs: () => number
  /** Something waits, or may be asked of a second replica: time is to be watched. */
  watch(): void
  /** The objective is missed, or a drain is over: the master should hear. */
  missed(): void
  drained(): void
}

export interface ServiceParts {
  readonly queue: ServiceQueue
  readonly budget: RetryBudget
  readonly meter: Meter
  readonly total: ServiceTotals
}

/** Everything that decides about the requests of one service, and measures them. */
export class ServiceTraffic {
  readonly id: ServiceId
  readonly queue: ServiceQueue
  readonly budget: RetryBudget
  readonly meter: Meter
  readonly total: ServiceTotals
  readonly nowMs: () => number
  readonly #ears: TrafficEars
  #fragment: RouteFragment
  #pumping = false
  /** Requests that may be asked of a second replica, the longest asked first. */
  #oldest: Exchange | undefined
  #newest: Exchange | undefined

  constructor(fragment: RouteFragment, parts: ServiceParts, ears: TrafficEars) {
    this.id = fragment.service
    this.#fragment = fragment
    this.queue = parts.queue
    this.budget = parts.budget
    this.meter = parts.meter
    this.total = parts.total
    this.nowMs = ears.nowMs
    this.#ears = ears
    this.update(fragment)
  }

  /** The latest the routing table says of it. */
  get fragment(): RouteFragment {
    return this.#fragment
  }

  /** Why nobody can be asked, for the client. */
  get absence(): string {
    const { name, absence } = this.#fragment
    return absence ?? `"${name}" has no replica that can be asked`
  }

  /** Somebody is there to be asked. */
  get isServed(): boolean {
    return this.#fragment.endpoints.length > 0
  }

  /** Nothing of it is under way. */
  get isQuiet(): boolean {
    return this.queue.waiting === 0 && this.queue.isIdle
  }

  update(fragment: RouteFragment): void {
    this.#fragment = fragment
    this.queue.update(fragment, this.nowMs())
    this.pump()
  }

  /** Lets go who may go now. */
  pump(): void {
    // Who is let go may end at once, and would start this again.
    if (this.#pumping || this.queue.waiting === 0) return
    this.#pumping = true
    const nowMs = this.nowMs()
    while (this.queue.next(nowMs)) {
      const { item, replica } = this.queue
      if (item !== undefined && replica !== undefined) item.dispatched(replica, nowMs)
    }
    this.queueChanged(nowMs)
    this.#pumping = false
  }

  /** The end of a request: what it says of the service. */
  finished(kind: Outcome, elapsedMs: number, route: RouteClass | undefined): void {
    const { objective } = this.#fragment
    const latencyMs = latencyOf(kind, elapsedMs, objective)
    if (route !== undefined && latencyMs !== undefined) this.total.took(route.name, latencyMs)
    if (route?.slow !== true || kind === 'unserved') this.#counts(kind, latencyMs)
    if (kind === 'aborted') this.total.aborted += 1
  }

  /** It says something of the objective. */
  #counts(kind: Outcome, latencyMs: number | undefined): void {
    const { objective } = this.#fragment
    this.meter.finished(this.id, { kind, latencyMs }, objective)
    if (latencyMs === undefined) return
    this.total.latency.add(latencyMs)
    if (latencyMs > objective.latencyTargetMs && this.meter.isLate(this.id, objective)) {
      this.#ears.missed()
    }
  }

  /** A request to a replica is over. */
  left(replica: ReplicaState): void {
    if (!replica.routed && replica.inFlight + replica.lasting === 0) this.#ears.drained()
  }

  /** Others wait now than before. */
  queueChanged(nowMs: number): void {
    this.meter.queue(this.id, this.queue.waiting, nowMs)
    if (this.queue.waiting > 0) this.#ears.watch()
  }

  /** This one may be asked of a second replica, once it takes too long. */
  watch(exchange: Exchange): void {
    if (exchange.isWatched || this.queue.hedgeAfterMs === Number.POSITIVE_INFINITY) return
    exchange.isWatched = true
    exchange.older = this.#newest
    if (this.#newest === undefined) this.#oldest = exchange
    else this.#newest.newer = exchange
    this.#newest = exchange
    this.#ears.watch()
  }

  unwatch(exchange: Exchange): void {
    if (!exchange.isWatched) return
    exchange.isWatched = false
    if (exchange.older === undefined) this.#oldest = exchange.newer
    else exchange.older.newer = exchange.newer
    if (exchange.newer === undefined) this.#newest = exchange.older
    else exchange.newer.older = exchange.older
    exchange.older = undefined
    exchange.newer = undefined
  }

  /** What time alone brings about. Answers whether there is anything left to watch. */
  tick(nowMs: number): boolean {
    for (;;) {
      const late = this.queue.expired(nowMs)
      if (late === undefined) break
      late.expired()
      this.queueChanged(nowMs)
    }
    this.pump()
    this.#hedgeDue(nowMs)
    return this.queue.waiting > 0 || this.#oldest !== undefined
  }

  #hedgeDue(nowMs: number): void {
    const { hedgeAfterMs, hedgeBesideAfterMs } = this.queue
    let exchange = this.#oldest
    while (exchange !== undefined) {
      const ageMs = nowMs - exchange.sentAtMs
      if (ageMs < Math.min(hedgeAfterMs, hedgeBesideAfterMs)) return
      const { newer } = exchange
      if (ageMs >= hedgeAfterMs) {
        this.unwatch(exchange)
        exchange.hedge(nowMs)
      } else if (exchange.hedgeBeside(nowMs)) {
        this.unwatch(exchange)
      }
      exchange = newer
    }
  }
}
