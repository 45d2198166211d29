import type { ReplicaId } from '../shared/model.ts'
import type { Outcome } from './decide/meter.ts'
import type { VisitEnd } from './decide/outlier-ejection.ts'
import type { ReplicaState } from './decide/replica-state.ts'
import type { RouteClass } from './decide/route-index.ts'
import type { Placed } from './decide/service-queue.ts'
import type { Waiting } from './decide/waiting.ts'
import type { ServiceTraffic } from './service-traffic.ts'
import { endOfFailure, endOfOutcome } from './visit-end.ts'

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

/** Why no replica is asked. */
export type Refusal =
  /** Nobody is there, and nobody is on the way. */
  | 'absent'
  /** Too many wait already. */
  | 'full'
  /** It waited for as long as it may. */
  | 'late'

/** The engine's side of an exchange: it is told whom to ask. */
export interface Caller {
  ask(replica: ReplicaState): void
  /** The replica takes too long: this one may be asked as well, whoever answers first wins. */
  askToo(replica: ReplicaState): void
  refuse(refusal: Refusal): void
}

/** A replica has the request. */
interface Visit {
  readonly replica: ReplicaState
  readonly sentAtMs: number
  /** How many it had from then on, this one included. */
  readonly crowd: number
}

/** One request for a service from its arrival to its end, tries and measures included. */
export class Exchange implements Waiting {
  readonly service: ServiceTraffic
  readonly affinity: string | undefined
  /** When it asked for a replica. */
  arrivedAtMs = 0
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  /** Its neighbours among those that may be asked of a second replica. */
  older: Exchange | undefined = undefined
  newer: Exchange | undefined = undefined
  isWatched = false
  readonly #caller: Caller
  readonly #route: RouteClass | undefined
  /** The request's last byte came in. */
  #completeAtMs = -1
  /** Its client fell silent, and is perhaps gone. */
  #leftAtMs = -1
  #first: Visit | undefined = undefined
  #second: Visit | undefined = undefined
  #triedBeside = false
  /** The second was asked before the first took too long. */
  #isBeside = false
  #tried: ReplicaId[] | undefined = undefined
  #waits = false
  #lasting = false
  /** It holds no permit any more, but its replica still has it. */
  #isPermitless = false
  #over = false

  constructor(service: ServiceTraffic, caller: Caller, asked: Asked) {
    this.service = service
    this.#caller = caller
    this.affinity = asked.affinity
    this.#route = asked.route
  }

  /** Joins the queue of its service; its caller hears whom to ask, perhaps within this call. */
  enter(kind: 'request' | 'upgrade'): void {
    const { service } = this
    this.arrivedAtMs = this.#completeAtMs < 0 ? service.nowMs() : this.#completeAtMs
    service.budget.arrived()
    if (kind === 'request') service.meter.arrived(service.id)
    this.#placed(service.queue.arrive(this, this.arrivedAtMs), this.arrivedAtMs)
  }

  /** Also of one that is being asked now: a second one must be another. */
  hasTried(replica: ReplicaId): boolean {
    return this.#first?.replica.id === replica || this.#tried?.includes(replica) === true
  }

  /** When a replica was asked last, before any second one. */
  get sentAtMs(): number {
    return this.#first?.sentAtMs ?? 0
  }

  get isLasting(): boolean {
    return this.#lasting
  }

  /** The client sends nothing more: if it turns out to be gone, it was gone from now on. */
  mayHaveLeft(): void {
    this.#leftAtMs = this.service.nowMs()
  }

  requestComplete(): void {
    if (this.#completeAtMs < 0) this.#completeAtMs = this.service.nowMs()
  }

  /** The queue let it out. */
  dispatched(replica: ReplicaState, nowMs: number): void {
    this.#waits = false
    this.#first = this.#visit(replica, nowMs)
    this.#caller.ask(replica)
  }

  /** It waited for as long as it may; the queue has forgotten it. */
  expired(): void {
    this.#waits = false
    const { isServed, fragment } = this.service
    // Where nobody comes any more, it is not time that it lacked.
    this.#caller.refuse(isServed || fragment.comes === true ? 'late' : 'absent')
  }

  /** Asks a second replica while the first one thinks, where the budget allows. */
  hedge(nowMs: number): void {
    this.#askToo(this.service.queue.hedge(this, nowMs), nowMs)
  }

  /** Only of one that would not notice, and once. Answers whether it did. */
  hedgeBeside(nowMs: number): boolean {
    if (this.#triedBeside) return false
    this.#triedBeside = true
    const second = this.service.queue.hedgeBeside(this, nowMs)
    this.#askToo(second, nowMs)
    this.#isBeside = second !== undefined
    return this.#isBeside
  }

  /** The head of an answer came, from this one: another that was asked is left. */
  answered(replica: ReplicaState): void {
    const nowMs = this.service.nowMs()
    this.service.unwatch(this)
    if (this.#second !== undefined) {
      const isSecond = this.#second.replica === replica
      if (this.#isBeside) this.service.queue.besideAnswered(isSecond)
      this.#leave(isSecond ? this.#first : this.#second, 'aborted', nowMs)
      if (isSecond) this.#first = this.#second
      this.#second = undefined
    }
    this.service.queue.answered(replica, nowMs)
    this.requestComplete()
  }

  /** This one stays open: it no longer counts as load, but its replica still has it. */
  becameLasting(): void {
    if (this.#first === undefined || this.#lasting) return
    this.#lasting = true
    this.service.total.lasting += 1
    this.waitsForClient()
  }

  /** The client holds it up: its replica has nothing to do for it, and its permit is free. */
  waitsForClient(): void {
    const { service } = this
    if (this.#first === undefined || this.#isPermitless) return
    this.#isPermitless = true
    this.#measure(this.#first, false, service.nowMs())
    service.queue.becameLasting(this.#first.replica)
    service.pump()
  }

  /** One of two that were asked gave no answer: the other goes on. */
  secondFailed(replica: ReplicaState, failure: Failure): void {
    if (this.#second === undefined) return
    const nowMs = this.service.nowMs()
    const isSecond = replica === this.#second.replica
    const failed = isSecond ? this.#second : this.#first
    this.#leave(failed, failure === 'timeout' ? 'timeout' : 'failed', nowMs)
    if (!isSecond) this.#first = this.#second
    this.#second = undefined
    this.service.pump()
  }

  /**
   * The replica gave no answer. Answers whether another is asked, where asking again is safe; the
   * caller may hear of it within this call.
   */
  failed(failure: Failure, safe: boolean): boolean {
    const visit = this.#first
    if (visit === undefined) return false
    const { service } = this
    const nowMs = service.nowMs()
    service.unwatch(this)
    this.#first = undefined
    this.#leave(visit, endOfFailure(failure), nowMs)
    // A kept connection that was closed says nothing about its replica.
    if (failure !== 'stale') {
      this.#tried ??= []
      this.#tried.push(visit.replica.id)
    }
    if (!safe || !service.queue.hasOther(this) || !service.budget.take()) {
      service.pump()
      return false
    }
    service.total.retries += 1
    this.#placed(service.queue.again(this, nowMs), nowMs)
    service.pump()
    return true
  }

  /** The end, told once; later calls say nothing new. */
  finish(kind: Outcome, status: number): void {
    if (this.#over) return
    this.#over = true
    const { service } = this
    const nowMs = service.nowMs()
    this.#endVisits(kind, status, nowMs)
    const endMs = kind === 'aborted' && this.#leftAtMs >= 0 ? this.#leftAtMs : nowMs
    const elapsedMs = endMs - (this.#completeAtMs < 0 ? this.arrivedAtMs : this.#completeAtMs)
    // What never asked for a replica says nothing of the service.
    if (this.arrivedAtMs > 0) service.finished(kind, elapsedMs, this.#route)
    if (status > 0) service.total.answered(status)
    service.pump()
  }

  #askToo(second: ReplicaState | undefined, nowMs: number): void {
    if (second === undefined) return
    this.#second = this.#visit(second, nowMs)
    this.service.total.hedges += 1
    this.#caller.askToo(second)
  }

  #placed(placed: Placed, nowMs: number): void {
    if (placed === 'waits') {
      this.#waits = true
      this.service.queueChanged(nowMs)
      // A longer queue may be worth a slower replica.
      this.service.pump()
    } else if (placed === 'full' || placed === 'absent') {
      this.#caller.refuse(placed)
    } else {
      this.#first = this.#visit(placed, nowMs)
      this.#caller.ask(placed)
    }
  }

  #visit(replica: ReplicaState, nowMs: number): Visit {
    this.service.meter.sent(this.service.id, replica.id, nowMs)
    return { replica, sentAtMs: nowMs, crowd: replica.inFlight }
  }

  #endVisits(kind: Outcome, status: number, nowMs: number): void {
    this.service.unwatch(this)
    if (this.#waits) {
      this.service.queue.cancel(this)
      this.service.queueChanged(nowMs)
    }
    this.#waits = false
    if (this.#second !== undefined) this.#leave(this.#second, 'aborted', nowMs)
    this.#second = undefined
    const first = this.#first
    this.#first = undefined
    this.#leave(first, endOfOutcome(kind), nowMs, status)
  }

  #leave(visit: Visit | undefined, kind: VisitEnd['kind'], nowMs: number, status = 0): void {
    if (visit === undefined) return
    const { replica, sentAtMs, crowd } = visit
    const { queue } = this.service
    if (this.#isPermitless) {
      this.#isPermitless = false
      queue.endLasting(replica)
    } else {
      this.#measure(visit, kind === 'failed' || kind === 'timeout' || status >= 500, nowMs)
      queue.end(replica, { kind, upstreamMs: nowMs - sentAtMs, status, crowd }, nowMs)
    }
    this.service.left(replica)
  }

  #measure({ replica, sentAtMs }: Visit, failed: boolean, nowMs: number): void {
    const { meter, id } = this.service
    meter.left(id, replica.id, { upstreamMs: nowMs - sentAtMs, failed, nowMs })
  }
}

export interface Asked {
  readonly affinity: string | undefined
  readonly route: RouteClass | undefined
}
