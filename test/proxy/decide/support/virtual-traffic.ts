import type { ReplicaState } from '../../../../proxy/decide/replica-state.ts'
import {
  type QueueLimits,
  type QueueRules,
  ServiceQueue,
  type VisitEndKind,
} from '../../../../proxy/decide/service-queue.ts'
import type { Waiting } from '../../../../proxy/decide/waiting.ts'
import type { Balance } from '../../../../shared/model.ts'
import { Agenda } from './agenda.ts'
import { LIMITS } from './limits.ts'
import { exponential, type Lognormal, lognormal, randomOf, WEB } from './random.ts'
import { endpointOf, fragmentOf } from './table.ts'
import { type ReplicaModel, VirtualReplica } from './virtual-replica.ts'

const TICK_MS = 10
const RETRIES_MAX = 2

export interface Scenario {
  readonly seed: number
  readonly durationMs: number
  /** Arrivals per second, as things stand then. */
  readonly rate: (nowMs: number) => number
  readonly replicas: readonly ReplicaModel[]
  readonly service?: Lognormal
  /** Draws how much work one request is, instead of the service's law. */
  readonly work?: (random: () => number) => number
  /** A second replica may take another time for the same: what takes long is not the request. */
  readonly redraws?: boolean
  readonly limits?: Partial<QueueLimits>
  readonly rules?: Partial<QueueRules>
  readonly balance?: Balance
  /** What one replica may have at once, as learned; a guess without it. */
  readonly permits?: number
  readonly affinity?: (index: number) => string
  /** The table changes: those are there from then on. */
  readonly changes?: readonly { readonly atMs: number; readonly ids: readonly string[] }[]
  readonly comes?: boolean
}

interface Visit {
  readonly sentAtMs: number
  readonly crowd: number
}

export type Fate = 'answered' | 'failed' | 'expired' | 'full' | 'absent'

export class VirtualRequest implements Waiting {
  readonly index: number
  readonly arrivedAtMs: number
  readonly workMs: number
  readonly affinity: string | undefined
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined
  readonly tried: string[] = []
  fate: Fate | undefined = undefined
  latencyMs = 0
  sentAtMs = 0
  /** Every replica that it was sent to, in order. */
  readonly visits: string[] = []
  hedged = false
  /** The second one, asked before the first took too long. */
  beside: string | undefined = undefined
  retries = 0

  constructor(index: number, arrivedAtMs: number, workMs: number, affinity: string | undefined) {
    this.index = index
    this.arrivedAtMs = arrivedAtMs
    this.workMs = workMs
    this.affinity = affinity
  }

  hasTried(replica: string): boolean {
    return this.tried.includes(replica)
  }

  /** The traffic that drives the queue does it all. */
  dispatched(): void {}

  expired(): void {}
}

/** The queue and a fleet of replicas in virtual time: the same seed gives the same history. */
export class VirtualTraffic {
  readonly queue: ServiceQueue
  readonly agenda = new Agenda()
  readonly requests: VirtualRequest[] = []
  readonly endedTwice: VirtualRequest[] = []
  /** Called after every event. */
  onEvent: () => void = () => undefined
  readonly #scenario: Scenario
  readonly #replicas: ReadonlyMap<string, VirtualReplica>
  readonly #arrivals: () => number
  readonly #works: () => number

  constructor(scenario: Scenario) {
    this.#scenario = scenario
    const limits = { ...LIMITS, ...scenario.limits }
    const rules = { ...limits.rules, ...scenario.rules }
    this.queue = new ServiceQueue({ ...limits, rules }, randomOf(scenario.seed + 2))
    this.#arrivals = randomOf(scenario.seed)
    this.#works = randomOf(scenario.seed + 1)
    this.#replicas = new Map(
      scenario.replicas.map((model) => [model.id, new VirtualReplica(model, this.agenda)]),
    )
  }

  run(): this {
    const { durationMs, changes = [], replicas, permits } = this.#scenario
    if (permits !== undefined) {
      this.queue.put(new Map(replicas.map(({ id }) => [id, permits])), true)
    }
    const first = { atMs: 0, ids: replicas.map(({ id }) => id) }
    for (const { atMs, ids } of changes[0]?.atMs === 0 ? changes : [first, ...changes]) {
      this.agenda.at(atMs, () => this.#change(ids))
    }
    this.agenda.at(0, () => this.#nextArrival())
    this.agenda.at(TICK_MS, () => this.#tick())
    this.agenda.runUntil(durationMs)
    // What is under way comes to its end.
    this.agenda.runUntil(durationMs + 120_000)
    return this
  }

  #change(ids: readonly string[]): void {
    const endpoints = ids.map((id) => endpointOf(this.#replicas.get(id)?.model ?? { id, slots: 1 }))
    this.queue.update(fragmentOf(endpoints, this.#scenario), this.agenda.nowMs)
    this.#pump()
  }

  #nextArrival(): void {
    const { rate, durationMs } = this.#scenario
    const { nowMs } = this.agenda
    const atMs = nowMs + exponential(this.#arrivals, 1_000 / Math.max(0.001, rate(nowMs)))
    if (atMs >= durationMs) return
    this.agenda.at(atMs, () => {
      this.#arrive()
      this.#nextArrival()
    })
  }

  #arrive(): void {
    const { affinity } = this.#scenario
    const index = this.requests.length
    const request = new VirtualRequest(index, this.agenda.nowMs, this.#work(), affinity?.(index))
    this.requests.push(request)
    this.#placed(request, this.queue.arrive(request, this.agenda.nowMs))
    this.#pump()
  }

  #work(): number {
    const { service = WEB, work } = this.#scenario
    return work === undefined ? lognormal(this.#works, service) : work(this.#works)
  }

  #placed(request: VirtualRequest, placed: ReturnType<ServiceQueue['arrive']>): void {
    if (placed === 'waits') return
    if (placed === 'full' || placed === 'absent') this.#finish(request, placed)
    else this.#send(request, placed)
  }

  #send(request: VirtualRequest, replica: ReplicaState): void {
    const sentAtMs = this.agenda.nowMs
    const visit = { sentAtMs, crowd: replica.inFlight }
    request.sentAtMs = sentAtMs
    request.visits.push(replica.id)
    const virtual = this.#replicas.get(replica.id)
    if (virtual === undefined) throw new Error(`there is no replica ${replica.id}`)
    const failure = virtual.model.fails?.(sentAtMs)
    if (failure !== undefined) {
      this.agenda.at(sentAtMs + 1, () => this.#failed(request, replica, visit, failure))
      return
    }
    this.#watchForHedge(request, replica, sentAtMs)
    const another = this.#scenario.redraws === true && request.hedged
    virtual.serve(another ? this.#work() : request.workMs, (nowMs) => {
      this.queue.answered(replica, nowMs)
      if (request.fate === undefined && request.beside !== undefined) {
        this.queue.besideAnswered(request.beside === replica.id)
      }
      this.#end(replica, 'answered', 200, visit)
      if (request.fate === undefined) this.#finish(request, 'answered')
      this.#pump()
    })
  }

  #watchForHedge(request: VirtualRequest, replica: ReplicaState, sentAtMs: number): void {
    const { hedgeAfterMs, hedgeBesideAfterMs } = this.queue
    if (hedgeAfterMs === Number.POSITIVE_INFINITY || request.hedged) return
    request.tried.push(replica.id)
    const ask = (afterMs: number, how: 'hedge' | 'hedgeBeside'): void => {
      this.agenda.at(sentAtMs + afterMs, (nowMs) => {
        if (request.fate !== undefined || request.hedged) return
        const second = this.queue[how](request, nowMs)
        if (second === undefined) return
        request.hedged = true
        request.beside = how === 'hedgeBeside' ? second.id : undefined
        this.#send(request, second)
      })
    }
    if (hedgeBesideAfterMs < hedgeAfterMs) ask(hedgeBesideAfterMs, 'hedgeBeside')
    ask(hedgeAfterMs, 'hedge')
  }

  #failed(
    request: VirtualRequest,
    replica: ReplicaState,
    visit: Visit,
    how: 'refuses' | 'errors',
  ): void {
    const { nowMs } = this.agenda
    if (how === 'errors') this.queue.answered(replica, nowMs)
    if (how === 'errors') this.#end(replica, 'answered', 500, visit)
    else this.#end(replica, 'failed', 0, visit)
    request.tried.push(replica.id)
    const again = how === 'refuses' && request.retries < RETRIES_MAX
    request.retries += 1
    if (!again) this.#finish(request, 'failed')
    else this.#placed(request, this.queue.again(request, nowMs))
    this.#pump()
  }

  #end(replica: ReplicaState, kind: VisitEndKind, status: number, visit: Visit): void {
    const { nowMs } = this.agenda
    const { sentAtMs, crowd } = visit
    this.queue.end(replica, { kind, status, crowd, upstreamMs: nowMs - sentAtMs }, nowMs)
  }

  #finish(request: VirtualRequest, fate: Fate): void {
    if (request.fate !== undefined) this.endedTwice.push(request)
    request.fate = fate
    request.latencyMs = this.agenda.nowMs - request.arrivedAtMs
  }

  #pump(): void {
    while (this.queue.next(this.agenda.nowMs)) {
      const { item, replica } = this.queue
      if (item instanceof VirtualRequest && replica !== undefined) this.#send(item, replica)
    }
    this.onEvent()
  }

  #tick(): void {
    const { nowMs } = this.agenda
    for (
      let late = this.queue.expired(nowMs);
      late !== undefined;
      late = this.queue.expired(nowMs)
    ) {
      if (late instanceof VirtualRequest) this.#finish(late, 'expired')
    }
    this.#pump()
    if (nowMs < this.#scenario.durationMs + 100_000)
      this.agenda.at(nowMs + TICK_MS, () => this.#tick())
  }
}
