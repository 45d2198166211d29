import type { ReplicaId, RouteFragment, RouteRevision, ServiceId } from '../shared/model.ts'
import type { RoutesAnswer } from '../shared/protocol.ts'
import { Balancer } from './decide/balancer.ts'
import { Ejection, type EjectionLimits } from './decide/ejection.ts'
import { Meter } from './decide/meter.ts'
import { Permits } from './decide/permits.ts'
import { RetryBudget, type RetryLimits } from './decide/retry-budget.ts'
import { type Applied, RouteTable, replicasIn, type SavedTable } from './decide/route-table.ts'
import { LostReplicas } from './lost-replicas.ts'
import { Totals } from './totals.ts'

/** While an objective is missed the master hears of it this often. */
const MISSED_EVERY_MS = 200

export interface TrafficLimits {
  readonly ejection: EjectionLimits
  readonly retry: RetryLimits
}

/** Everything that decides about requests and measures them, whatever engine carries them. */
export class Traffic {
  readonly table = new RouteTable()
  readonly permits = new Permits()
  readonly meter = new Meter()
  readonly totals = new Totals()
  readonly lost = new LostReplicas()
  readonly ejection: Ejection
  readonly balancer: Balancer
  readonly nowMs: () => number
  readonly #retry: RetryLimits
  readonly #budgets = new Map<ServiceId, RetryBudget>()
  #routed: ReadonlySet<ReplicaId> = new Set()
  #onNews: () => void = () => undefined
  #missedAtMs = Number.NEGATIVE_INFINITY

  constructor(limits: TrafficLimits, nowMs: () => number) {
    this.nowMs = nowMs
    this.#retry = limits.retry
    this.ejection = new Ejection(limits.ejection)
    this.balancer = new Balancer(this.ejection, this.permits)
  }

  /** Calls back when the master should hear at once: a drain ended, an objective is missed. */
  onNews(callback: () => void): void {
    this.#onNews = callback
  }

  /** A service misses its objective: worth telling early, but not with every answer. */
  missed(): void {
    const nowMs = this.nowMs()
    if (nowMs - this.#missedAtMs < MISSED_EVERY_MS) return
    this.#missedAtMs = nowMs
    this.#onNews()
  }

  restore(saved: SavedTable): void {
    this.table.restore(saved)
    this.#settle()
  }

  apply(answer: RoutesAnswer, after: RouteRevision | undefined): Applied {
    const applied = this.table.apply(answer, after)
    if (applied.kind !== 'applied') return applied
    this.#settle()
    this.lost.tell(applied.lost)
    if (applied.removed.length > 0) this.#onNews()
    return applied
  }

  budget(service: ServiceId): RetryBudget {
    const known = this.#budgets.get(service)
    if (known !== undefined) return known
    const budget = new RetryBudget(this.#retry)
    this.#budgets.set(service, budget)
    return budget
  }

  /** The latest the table says of a service, else what the request began with. */
  latest(fragment: RouteFragment): RouteFragment {
    const gone = { ...fragment, endpoints: [], absence: `"${fragment.name}" was removed` }
    return this.table.fragment(fragment.service) ?? gone
  }

  /** A request to a replica is over. */
  ended(replica: ReplicaId): void {
    const left = this.balancer.ended(replica)
    if (left === 0 && !this.#routed.has(replica)) this.#onNews()
  }

  #settle(): void {
    const { fragments } = this.table
    this.#routed = replicasIn(fragments)
    this.balancer.keepOnly(this.#routed)
    const services = new Set(fragments.map(({ service }) => service))
    this.totals.keepOnly(services)
    for (const service of this.#budgets.keys()) {
      if (!services.has(service)) this.#budgets.delete(service)
    }
  }
}
