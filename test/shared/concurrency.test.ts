/** Timelines in virtual time: what permits become for services of different kinds. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Concurrency, PERMITS_START } from '../../shared/concurrency.ts'
import { PermitLearner } from '../../shared/permit-learner.ts'
import { QueueingWorld, type WorldShape } from './support/queueing-world.ts'

const SEEDS = [1, 2, 3, 4, 5]

/** A proxy that is alone: everything that is learned is its own. */
class Timeline {
  readonly learner = new PermitLearner()
  readonly world: QueueingWorld

  constructor(shape: WorldShape) {
    this.world = new QueueingWorld(shape, ({ proxy, durationMs, measured, nowMs }) => {
      this.learner.add({ reporter: proxy, durationMs, services: [measured] }, nowMs)
      return Object.fromEntries(this.world.replicas.map(({ id }) => [id, this.permits(id)]))
    })
  }

  permits(replica = 'r1'): number {
    return this.learner.permits('web', replica)
  }

  get isLearned(): boolean {
    return this.learner.isLearned('web')
  }

  /** The permits at the end of each of so many seconds. */
  watch(seconds: number): readonly number[] {
    return Array.from({ length: seconds }, () => {
      this.world.run(1)
      return this.permits()
    })
  }
}

function usual(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

const TWO_SLOTS = { slots: 2, serviceMs: 30 } as const
/** So many that none ever waits inside a replica. */
const UNBOUNDED = 1_000_000_000

test('permits() begins at 16, not learned', () => {
  const learner = new PermitLearner()
  expect(learner.permits('web', 'r1')).toBe(PERMITS_START)
  expect(learner.isLearned('web')).toBe(false)
})

test.each(SEEDS)('two slots of 30 ms end at 2 to 4 permits under overload (seed %i)', (seed) => {
  const timeline = new Timeline({ ...TWO_SLOTS, seed, rates: [80] })
  timeline.watch(20)
  expect(timeline.isLearned).toBe(true)
  const after = timeline.watch(20)
  expect(usual(after)).toBeGreaterThanOrEqual(2)
  expect(usual(after)).toBeLessThanOrEqual(4)
  expect(Math.max(...after)).toBeLessThanOrEqual(6)
})

test.each(SEEDS)(
  'two slots end there also below their capacity, after a quiet time (seed %i)',
  (seed) => {
    const timeline = new Timeline({ ...TWO_SLOTS, seed, rates: [5] })
    timeline.watch(5)
    expect(timeline.permits()).toBe(PERMITS_START)
    timeline.world.setRate(50)
    timeline.watch(15)
    expect(usual(timeline.watch(20))).toBeLessThanOrEqual(5)
    expect(usual(timeline.watch(20))).toBeGreaterThanOrEqual(2)
  },
)

test.each(SEEDS)(
  'two slots end there also with clients that ask again once answered (seed %i)',
  (seed) => {
    const timeline = new Timeline({ ...TWO_SLOTS, seed, rates: [0] })
    timeline.world.returning = true
    timeline.world.burst(24)
    timeline.watch(40)
    expect(timeline.isLearned).toBe(true)
    expect(usual(timeline.watch(20))).toBeLessThanOrEqual(4)
  },
)

test.each(SEEDS)('a single thread of 5 ms ends at 2 or 3 (seed %i)', (seed) => {
  const timeline = new Timeline({ slots: 1, serviceMs: 5, seed, rates: [240] })
  timeline.watch(20)
  const after = usual(timeline.watch(20))
  expect(after).toBeGreaterThanOrEqual(1)
  expect(after).toBeLessThanOrEqual(3)
})

test.each(SEEDS)(
  'a service that waits for others gets 200 within some seconds (seed %i)',
  (seed) => {
    const timeline = new Timeline({ slots: 200, serviceMs: 50, seed, rates: [4_200] })
    timeline.watch(8)
    expect(timeline.permits()).toBeGreaterThanOrEqual(200)
    const after = timeline.watch(12)
    expect(Math.min(...after)).toBeGreaterThanOrEqual(200)
    expect(usual(after)).toBeLessThanOrEqual(400)
  },
)

test('permits double only while they are used', () => {
  const timeline = new Timeline({ slots: UNBOUNDED, serviceMs: 50, rates: [100] })
  timeline.watch(30)
  expect(timeline.permits()).toBe(PERMITS_START)
  expect(timeline.world.waiting).toBe(0)
})

test('overload does not cost throughput while permits are found', () => {
  const timeline = new Timeline({ ...TWO_SLOTS, rates: [90] })
  timeline.watch(60)
  const capacity = (60 * 1_000 * 2) / 30
  expect(timeline.world.ended).toBeGreaterThan(capacity * 0.9)
})

test('quick failures teach nothing', () => {
  const timeline = new Timeline({ ...TWO_SLOTS, rates: [90] })
  timeline.watch(20)
  const before = timeline.permits()
  timeline.world.failing = 0.5
  expect(new Set(timeline.watch(30))).toEqual(new Set([before]))
})

test.each(SEEDS)('a latency that drifts does not take the permits away (seed %i)', (seed) => {
  const timeline = new Timeline({ slots: UNBOUNDED, serviceMs: 50, seed, rates: [1_000] })
  timeline.watch(15)
  timeline.world.serviceMs = 100
  timeline.watch(20)
  timeline.world.serviceMs = 200
  timeline.watch(25)
  // 200 ms at 1,000 requests per second are 200 in flight.
  expect(timeline.permits()).toBeGreaterThanOrEqual(200)
  expect(timeline.world.waiting).toBe(0)
})

test.each(SEEDS)(
  'permits follow a service that got more slots, and lost them again (seed %i)',
  (seed) => {
    const timeline = new Timeline({ ...TWO_SLOTS, seed, rates: [400] })
    timeline.watch(20)
    timeline.world.slots = 10
    timeline.watch(60)
    expect(usual(timeline.watch(10))).toBeGreaterThanOrEqual(10)
    timeline.world.slots = 2
    timeline.watch(60)
    expect(usual(timeline.watch(10))).toBeLessThanOrEqual(5)
  },
)

test('a replica three times slower than the others gets fewer permits', () => {
  const timeline = new Timeline({ ...TWO_SLOTS, rates: [300], slowness: [1, 1, 1, 3] })
  timeline.watch(30)
  expect(timeline.permits('r4')).toBeLessThan(timeline.permits('r1'))
  const slow = timeline.world.replicas[3]
  if (slow !== undefined) slow.slowness = 1
  timeline.watch(40)
  expect(timeline.permits('r4')).toBe(timeline.permits('r1'))
})

test('service times that differ widely do not fool it', () => {
  const timeline = new Timeline({ ...TWO_SLOTS, sigma: 1.2, rates: [90] })
  timeline.watch(25)
  expect(usual(timeline.watch(40))).toBeLessThanOrEqual(6)
})

test('bursts of a moment count, not the average', () => {
  const timeline = new Timeline({ slots: 8, serviceMs: 30, rates: [1] })
  for (let second = 0; second < 40; second += 1) {
    timeline.world.burst(40)
    timeline.watch(1)
  }
  expect(timeline.permits()).toBeGreaterThanOrEqual(8)
})

test('a slow service is judged by fewer answers, later', () => {
  const timeline = new Timeline({ slots: 4, serviceMs: 1_000, rates: [6] })
  timeline.watch(90)
  expect(timeline.permits()).toBeGreaterThanOrEqual(3)
  expect(timeline.permits()).toBeLessThanOrEqual(8)
})

test('the same world teaches the same', () => {
  const run = () => new Timeline({ ...TWO_SLOTS, seed: 7, rates: [70] }).watch(30)
  expect(run()).toEqual(run())
})

test('keepOnly() forgets services that are gone', () => {
  const timeline = new Timeline({ ...TWO_SLOTS, rates: [90] })
  timeline.watch(20)
  timeline.learner.keepOnly(new Set())
  expect(timeline.permits()).toBe(PERMITS_START)
})

const amount = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e6, noNaN: true }))
const count = fc.oneof(fc.constant(0), fc.nat({ max: 10_000 }))
const replicaRound = fc.record({
  replica: fc.constantFrom('r1', 'r2', 'r3'),
  ...{ inFlight: amount, ended: count, failed: count, upstreamMs: amount },
})
const rounds = fc.array(
  fc.record({
    waiting: amount,
    replicas: fc.uniqueArray(replicaRound, { selector: (r) => r.replica }),
  }),
  { minLength: 1, maxLength: 60 },
)

test('permits() is a whole number from 1 to 4,096, whatever is observed', () => {
  fc.assert(
    fc.property(rounds, (observed) => {
      const concurrency = new Concurrency()
      observed.forEach((round, at) => {
        concurrency.observe({ ...round, fromMs: at * 1_000, durationMs: 1_000 }, (at + 1) * 1_000)
        const permits = concurrency.permits('r1')
        expect(Number.isInteger(permits)).toBe(true)
        expect(permits).toBeGreaterThanOrEqual(1)
        expect(permits).toBeLessThanOrEqual(4_096)
      })
    }),
    { numRuns: 300 },
  )
})
