/** What holds whatever happens: nobody is lost, nobody is given twice, no limit is passed. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ejectedOf } from '../../../proxy/decide/outlier-ejection.ts'
import type { ReplicaState } from '../../../proxy/decide/replica-state.ts'
import type { VisitEndKind } from '../../../proxy/decide/service-queue.ts'
import type { BalancePolicy, Stickiness } from '../../../shared/model.ts'
import { Desk, endpoint } from './support/desk.ts'
import { Ticket } from './support/ticket.ts'

type Step =
  | { readonly kind: 'arrive'; readonly affinity: number }
  | {
      readonly kind: 'end'
      readonly which: number
      readonly how: VisitEndKind
      readonly status: number
    }
  | { readonly kind: 'retry'; readonly which: number }
  | { readonly kind: 'hedge'; readonly which: number }
  | { readonly kind: 'cancel'; readonly which: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'table'; readonly present: readonly boolean[]; readonly comes: boolean }
  | { readonly kind: 'shares'; readonly permits: readonly number[] }

const IDS = ['a', 'b', 'c', 'd']
const which = fc.nat(200)

const ends = fc.constantFrom<VisitEndKind>('answered', 'failed', 'timeout', 'stale', 'aborted')
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('arrive' as const), affinity: fc.nat(5) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      which,
      how: ends,
      status: fc.constantFrom(0, 200, 500),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hedge' as const), which }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), which }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(400) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('table' as const),
      present: fc.array(fc.boolean(), { minLength: IDS.length, maxLength: IDS.length }),
      comes: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('shares' as const),
      permits: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 4 }),
    }),
  },
)

interface Visit {
  readonly ticket: Ticket
  readonly replica: ReplicaState
  readonly sentAtMs: number
}

/** Plays the engine's part, and keeps its own books. */
class Books {
  readonly desk: Desk
  readonly under: Visit[] = []
  readonly waiting = new Set<Ticket>()
  readonly isQueue: boolean
  arrived = 0
  settled = 0

  constructor(policy: BalancePolicy, sticky: Stickiness) {
    this.isQueue = policy === 'queue'
    this.desk = new Desk({
      replicas: IDS,
      permits: 2,
      balance: { policy, sticky },
      limits: { waitingMax: 12, waitMaxMs: 1_000, waitEmptyMaxMs: 3_000, slowStartMs: 500 },
    })
  }

  play(step: Step): void {
    const { desk } = this
    if (step.kind === 'arrive') this.#arrive(step.affinity)
    else if (step.kind === 'end') this.#end(step.which, step.how, step.status)
    else if (step.kind === 'retry') this.#retry(step.which)
    else if (step.kind === 'hedge') this.#hedge(step.which)
    else if (step.kind === 'cancel') this.#cancel(step.which)
    else if (step.kind === 'pass') desk.nowMs += step.ms
    else if (step.kind === 'table') this.#table(step.present, step.comes)
    else desk.queue.put(new Map(IDS.map((id, at) => [id, step.permits[at] ?? 1])))
    this.pump()
    this.check()
  }

  pump(): void {
    const { queue, nowMs } = this.desk
    for (let item = queue.expired(nowMs); item !== undefined; item = queue.expired(nowMs)) {
      if (!(item instanceof Ticket) || !this.waiting.delete(item)) throw new Error('nobody expired')
      this.settled += 1
    }
    while (queue.next(nowMs)) {
      const { item, replica } = queue
      if (!(item instanceof Ticket) || replica === undefined) throw new Error('nobody goes')
      expect(this.waiting.delete(item)).toBe(true)
      this.#sent(item, replica)
    }
  }

  check(): void {
    const { queue } = this.desk
    expect(queue.waiting).toBe(this.waiting.size)
    expect(queue.waiting).toBeLessThanOrEqual(12)
    expect(this.arrived).toBe(this.settled + this.waiting.size + this.#tickets())
    const states = [...queue.replicas.values()]
    for (const state of states) {
      expect(state.inFlight).toBe(this.under.filter(({ replica }) => replica === state).length)
      expect(state.routed || state.inFlight > 0).toBe(true)
    }
    const routed = states.filter((state) => state.routed)
    expect(2 * ejectedOf(routed)).toBeLessThanOrEqual(routed.length)
    const ages = [...this.waiting].map(({ arrivedAtMs }) => arrivedAtMs)
    expect(queue.oldestAtMs).toBe(ages.length === 0 ? undefined : Math.min(...ages))
  }

  /** Everything under way ends well, all come back; who waits goes or expires. */
  finish(): void {
    this.#table([true, true, true, true], false)
    for (let round = 0; round < 100 && this.under.length + this.waiting.size > 0; round += 1) {
      this.desk.nowMs += 50
      while (this.under.length > 0) this.#end(0, 'answered', 200)
      this.pump()
    }
    this.check()
    expect([this.under.length, this.waiting.size, this.settled]).toEqual([0, 0, this.arrived])
    expect(this.desk.queue.isIdle).toBe(true)
  }

  #tickets(): number {
    return new Set(this.under.map(({ ticket }) => ticket)).size
  }

  #arrive(affinity: number): void {
    const ticket = new Ticket(`${this.arrived}`, this.desk.nowMs, `client ${affinity}`)
    this.arrived += 1
    this.#placed(ticket, this.desk.queue.arrive(ticket, this.desk.nowMs))
  }

  #placed(ticket: Ticket, placed: ReturnType<Desk['arrive']>): void {
    if (placed === 'waits') this.waiting.add(ticket)
    else if (typeof placed === 'string') this.settled += 1
    else this.#sent(ticket, placed)
  }

  #sent(ticket: Ticket, replica: ReplicaState): void {
    expect(replica.routed).toBe(true)
    expect(ticket.hasTried(replica.id)).toBe(false)
    if (this.isQueue) expect(replica.inFlight).toBeLessThanOrEqual(replica.permits)
    this.under.push({ ticket, replica, sentAtMs: this.desk.nowMs })
  }

  #end(at: number, kind: VisitEndKind, status: number): void {
    const visit = this.#leave(at, kind, status)
    if (visit !== undefined && !this.#isUnder(visit.ticket)) this.settled += 1
  }

  #retry(at: number): void {
    const visit = this.#leave(at, 'failed', 0)
    if (visit === undefined || this.#isUnder(visit.ticket)) return
    visit.ticket.tried.add(visit.replica.id)
    this.#placed(visit.ticket, this.desk.queue.again(visit.ticket, this.desk.nowMs))
  }

  #hedge(at: number): void {
    const visit = this.under[at % Math.max(1, this.under.length)]
    if (visit === undefined) return
    visit.ticket.tried.add(visit.replica.id)
    const second = this.desk.queue.hedge(visit.ticket, this.desk.nowMs)
    if (second === undefined) return
    expect(second.inFlight).toBeLessThanOrEqual(second.permits)
    this.#sent(visit.ticket, second)
  }

  #cancel(at: number): void {
    const ticket = [...this.waiting][at % Math.max(1, this.waiting.size)]
    if (ticket === undefined) return
    this.desk.queue.cancel(ticket)
    this.waiting.delete(ticket)
    this.settled += 1
  }

  #leave(at: number, kind: VisitEndKind, status: number): Visit | undefined {
    const [visit] = this.under.splice(at % Math.max(1, this.under.length), 1)
    if (visit === undefined) return undefined
    const { nowMs, queue } = this.desk
    if (status > 0) queue.answered(visit.replica, nowMs)
    const upstreamMs = nowMs - visit.sentAtMs
    queue.end(visit.replica, { kind, status, upstreamMs, crowd: 1 }, nowMs)
    return visit
  }

  #isUnder(ticket: Ticket): boolean {
    return this.under.some((visit) => visit.ticket === ticket)
  }

  #table(present: readonly boolean[], comes: boolean): void {
    const ids = IDS.filter((_, at) => present[at] === true)
    this.desk.table(
      ids.map((id, at) => endpoint(id, { suspect: at === 3 })),
      comes,
    )
  }
}

test.each<[BalancePolicy, Stickiness]>([
  ['queue', 'none'],
  ['queue', 'cookie'],
  ['round-robin', 'none'],
  ['least-connections', 'client-ip'],
  ['p2c', 'none'],
  ['peak-ewma', 'none'],
])('every request is settled exactly once with %s, sticky by %s', (policy, sticky) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const books = new Books(policy, sticky)
      for (const one of steps) books.play(one)
      books.finish()
    }),
    { numRuns: 60, seed: 1 },
  )
})

test('nobody starves: who is late goes in its turn while new ones keep coming', () => {
  const desk = new Desk({ replicas: ['a'], permits: 1, limits: { waitMaxMs: 60_000 } })
  desk.teach('a', 20)
  const a = desk.place()
  for (let at = 0; at < 10; at += 1) desk.arrive(`late ${at}`)
  desk.nowMs = 200
  const gone: string[] = []
  for (let round = 0; round < 110; round += 1) {
    desk.nowMs += 20
    desk.arrive('new')
    desk.arrive('new')
    desk.end(a)
    gone.push(...desk.pump())
  }
  expect(gone.filter((name) => name.startsWith('late'))).toHaveLength(10)
})
