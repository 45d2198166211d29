import type { Endpoint, ReplicaId, RouteFragment } from '../shared/model.ts'
import type { Outcome } from './decide/meter.ts'
import type { Traffic } from './traffic.ts'

/** Where an attempt to ask a replica failed. */
export type Failure =
  /** Nothing of the request was sent. */
  | 'connect'
  /** A kept connection turned out to be closed, before any byte of an answer. */
  | 'stale'
  /** A new connection was closed before any byte of an answer. */
  | 'silent'
  /** The replica had the request, or part of it. */
  | 'sent'
  | 'timeout'

/** One replica is being asked. */
interface Visit {
  readonly replica: ReplicaId
  readonly sentAtMs: number
  lasting: boolean
}

/** One request for a service from its arrival to its end, tries and measures included. */
export class Exchange {
  readonly fragment: RouteFragment
  readonly #traffic: Traffic
  readonly #tried = new Set<ReplicaId>()
  readonly #arrivedAtMs: number
  /** The request's last byte came in. */
  #completeAtMs: number | undefined
  #visit: Visit | undefined
  #over = false

  constructor(traffic: Traffic, fragment: RouteFragment, kind: 'request' | 'upgrade') {
    this.fragment = fragment
    this.#traffic = traffic
    this.#arrivedAtMs = traffic.nowMs()
    traffic.budget(fragment.service).arrived()
    if (kind === 'request') traffic.meter.arrived(fragment.service)
  }

  requestComplete(): void {
    this.#completeAtMs ??= this.#traffic.nowMs()
  }

  /** Why nobody can be asked, for the client. */
  get absence(): string {
    const { name, absence } = this.#traffic.latest(this.fragment)
    return absence ?? `"${name}" has no replica that can be asked`
  }

  /** The replica to ask now, as the table stands now; undefined when nobody is left. */
  choose(): Endpoint | undefined {
    const { balancer, meter, nowMs } = this.#traffic
    const { endpoints, service } = this.#traffic.latest(this.fragment)
    const sentAtMs = nowMs()
    const endpoint = balancer.pick(endpoints, this.#tried, sentAtMs)
    if (endpoint === undefined) return undefined
    const { replica } = endpoint
    this.#visit = { replica, sentAtMs, lasting: false }
    balancer.started(replica)
    meter.sent(service, replica, sentAtMs)
    return endpoint
  }

  /** Calls back when the replica that is being asked is lost, until the answer is called. */
  whenLost(hear: () => void): () => void {
    if (this.#visit === undefined) return () => undefined
    return this.#traffic.lost.watch(this.#visit.replica, hear)
  }

  /** The head of an answer came. */
  answered(): void {
    if (this.#visit !== undefined) this.#traffic.ejection.answered(this.#visit.replica)
    this.requestComplete()
  }

  /** This one stays open: it no longer counts as load, but its replica still has it. */
  becameLasting(): void {
    this.#leave(false)
    if (this.#visit !== undefined) this.#visit.lasting = true
    this.#traffic.totals.of(this.fragment.service, this.fragment.name).lasting += 1
  }

  get isLasting(): boolean {
    return this.#visit?.lasting === true
  }

  /** The replica gave no answer. Answers whether another is asked, where asking again is safe. */
  failed(failure: Failure, safe: boolean): boolean {
    const replica = this.#visit?.replica
    this.#endVisit(failure !== 'stale')
    if (replica === undefined) return false
    if (failure !== 'stale' && failure !== 'timeout') {
      this.#traffic.ejection.failed(replica, this.#traffic.nowMs())
    }
    // A kept connection that was closed says nothing about its replica.
    if (failure !== 'stale') this.#tried.add(replica)
    if (!safe || !this.#hasOther()) return false
    if (!this.#traffic.budget(this.fragment.service).take()) return false
    this.#traffic.totals.of(this.fragment.service, this.fragment.name).retries += 1
    return true
  }

  /** The end, told once; later calls say nothing new. */
  finish(kind: Outcome['kind'], status?: number): void {
    if (this.#over) return
    this.#over = true
    this.#endVisit(kind === 'failed')
    const { meter, totals, nowMs } = this.#traffic
    const { service, name, objective } = this.fragment
    const elapsedMs = nowMs() - (this.#completeAtMs ?? this.#arrivedAtMs)
    const timeless = kind === 'lasting' || kind === 'unserved'
    const outcome: Outcome = timeless ? { kind } : { kind, elapsedMs }
    const latencyMs = meter.finished(service, outcome, objective)
    const total = totals.of(service, name)
    if (latencyMs !== undefined) {
      total.latency.add(latencyMs)
      if (meter.isLate(service, objective)) this.#traffic.missed()
    }
    if (kind === 'aborted') total.aborted += 1
    if (status !== undefined) totals.answered(service, name, status)
  }

  #hasOther(): boolean {
    const { endpoints } = this.#traffic.latest(this.fragment)
    return endpoints.some(({ replica }) => !this.#tried.has(replica))
  }

  #endVisit(failed: boolean): void {
    if (this.#visit === undefined) return
    this.#leave(failed)
    this.#traffic.ended(this.#visit.replica)
    this.#visit = undefined
  }

  #leave(failed: boolean): void {
    if (this.#visit === undefined || this.#visit.lasting) return
    const { replica, sentAtMs } = this.#visit
    const nowMs = this.#traffic.nowMs()
    const left = { upstreamMs: nowMs - sentAtMs, failed, nowMs }
    this.#traffic.meter.left(this.fragment.service, replica, left)
  }
}
