/** Each rule in virtual time, on and off: what it is worth. */
import { expect, test } from 'vitest'
import type { QueueRules } from '../../../proxy/decide/service-queue.ts'
import type { BalancePolicy } from '../../../shared/model.ts'
import { type Figures, figuresOf } from './support/figures.ts'
import type { ReplicaModel } from './support/virtual-replica.ts'
import { type Scenario, VirtualTraffic } from './support/virtual-traffic.ts'

const REPLICAS = 10
const SLOTS = 2
const SERVICE_MS = 30
const WARM_UP_MS = 3_000

function fleet(...special: Partial<ReplicaModel>[]): ReplicaModel[] {
  return Array.from({ length: REPLICAS }, (_, at) => ({
    id: `r${at}`,
    slots: SLOTS,
    ...special[at],
  }))
}

const SLOW: Partial<ReplicaModel> = { slowness: () => 3 }
const STALLS: Partial<ReplicaModel> = { stalls: { everyMs: 10_000, forMs: 2_000 } }

/** Requests per second at the share of what the fleet can do. */
function rateOf(load: number, replicas = REPLICAS): () => number {
  return () => (load * 1_000 * replicas * SLOTS) / SERVICE_MS
}

/** The same requests with other rules. */
function figures(scenario: Omit<Scenario, 'seed' | 'durationMs'>, fromMs = WARM_UP_MS): Figures {
  const all = [1, 2].flatMap((seed) => {
    const traffic = new VirtualTraffic({ durationMs: 33_000, seed: 100 * seed, ...scenario }).run()
    return traffic.requests.filter(({ arrivedAtMs }) => arrivedAtMs >= fromMs)
  })
  return figuresOf(all)
}

const NONE: QueueRules = {
  objectiveOrder: false,
  slowAware: false,
  latencyEjection: false,
  slowStart: false,
  hedging: false,
}

function only(...rules: (keyof QueueRules)[]): QueueRules {
  return { ...NONE, ...Object.fromEntries(rules.map((rule) => [rule, true])) }
}

function policy(name: BalancePolicy): Scenario['balance'] & object {
  return { policy: name, sticky: 'none' }
}

test('the same seed gives the same history', () => {
  const scenario = { replicas: fleet(SLOW, STALLS), rate: rateOf(0.7), permits: 2 }
  expect(figures(scenario)).toEqual(figures(scenario))
})

test('one queue with the right permits is late less often than choosing at once', () => {
  const scenario = { replicas: fleet(), rate: rateOf(0.85), rules: NONE }
  const queue = figures({ ...scenario, permits: SLOTS })
  const least = figures({ ...scenario, balance: policy('least-connections') })
  const two = figures({ ...scenario, balance: policy('p2c') })
  const round = figures({ ...scenario, balance: policy('round-robin') })
  expect(queue.latePercent).toBeLessThan(0.9 * least.latePercent)
  expect(least.latePercent).toBeLessThan(0.7 * two.latePercent)
  expect(two.latePercent).toBeLessThan(0.9 * round.latePercent)
})

const PERMITS = [
  { name: 'learned permits', permits: SLOTS },
  { name: 'a guess at the permits', permits: undefined },
] as const

test.each(PERMITS)(
  'slowAware: a slow replica is used when it must be, with $name',
  ({ permits }) => {
    const scenario = {
      replicas: fleet(SLOW),
      rate: rateOf(0.65),
      ...(permits !== undefined && { permits }),
    }
    const on = figures({ ...scenario, rules: only('slowAware') })
    const off = figures({ ...scenario, rules: NONE })
    expect(on.latePercent).toBeLessThan(0.3 * off.latePercent)
    expect(on.p999Ms).toBeLessThan(0.75 * off.p999Ms)
  },
)

test('slowAware: under a load that needs the slow ones, they work', () => {
  const scenario = { replicas: fleet(SLOW, SLOW, SLOW), rate: rateOf(0.74), permits: SLOTS }
  const traffic = new VirtualTraffic({ ...scenario, seed: 1, durationMs: 40_000 }).run()
  const slow = traffic.requests.filter(({ visits }) => ['r0', 'r1', 'r2'].includes(visits[0] ?? ''))
  expect(slow.length).toBeGreaterThan(0.05 * traffic.requests.length)
  expect(figuresOf(traffic.requests).failed).toBe(0)
})

test('slowAware: a replica that has become fast again is found', () => {
  const replicas = fleet({ slowness: (nowMs) => (nowMs < 10_000 ? 3 : 1) })
  const scenario = { replicas, rate: rateOf(0.6), permits: SLOTS, rules: only('slowAware') }
  const { requests } = new VirtualTraffic({ ...scenario, seed: 1, durationMs: 60_000 }).run()
  const share = (fromMs: number, toMs: number): number => {
    const part = requests.filter(({ arrivedAtMs: at }) => at >= fromMs && at < toMs)
    return part.filter(({ visits }) => visits[0] === 'r0').length / part.length
  }
  expect(share(3_000, 10_000)).toBeLessThan(0.01)
  expect(share(50_000, 60_000)).toBeGreaterThan(0.07)
})

test('objectiveOrder: after a burst, those that can be in time are', () => {
  const burst = (nowMs: number): number => (nowMs % 10_000 < 1_000 ? 500 : 180)
  const scenario = { replicas: fleet().slice(0, 4), rate: burst, permits: SLOTS }
  const on = figures({ ...scenario, rules: only('objectiveOrder') }, 0)
  const off = figures({ ...scenario, rules: NONE }, 0)
  expect(on.latePercent).toBeLessThan(0.5 * off.latePercent)
  expect(on.failed).toBe(0)
})

const POLICIES: BalancePolicy[] = ['round-robin', 'least-connections', 'p2c', 'peak-ewma']

test.each(POLICIES)('latencyEjection: %s leaves out the slow one', (name) => {
  const scenario = { replicas: fleet(SLOW), rate: rateOf(0.65), balance: policy(name) }
  const on = figures({ ...scenario, rules: only('latencyEjection') })
  const off = figures({ ...scenario, rules: NONE })
  expect(on.latePercent).toBeLessThan(0.7 * off.latePercent)
  expect(on.p999Ms).toBeLessThan(off.p999Ms)
})

test('latencyEjection: one that stalls catches few requests, even by turns', () => {
  const scenario = { replicas: fleet(STALLS), rate: rateOf(0.6), balance: policy('round-robin') }
  const on = figures({ ...scenario, rules: only('latencyEjection') })
  const off = figures({ ...scenario, rules: NONE })
  expect(on.latePercent).toBeLessThan(0.3 * off.latePercent)
  expect(on.p999Ms).toBeLessThan(off.p999Ms)
})

test.each(POLICIES)('latencyEjection: %s ejects nobody for a load that all bear', (name) => {
  const scenario = { replicas: fleet(), rate: rateOf(0.85), balance: policy(name) }
  const on = figures({ ...scenario, rules: only('latencyEjection') })
  const off = figures({ ...scenario, rules: NONE })
  expect(on.latePercent).toBeLessThan(1.4 * off.latePercent)
})

// The peak EWMA is left out: it takes every long request for a slow replica by itself.
const STEADY: BalancePolicy[] = ['queue', 'round-robin', 'least-connections', 'p2c']

test.each(STEADY)('latencyEjection: %s bears requests that take a hundred times longer', (name) => {
  const work = (random: () => number): number => {
    return random() < 0.02 ? 1_000 + 1_000 * random() : 5 + 10 * random()
  }
  const replicas = fleet().slice(0, 4)
  const scenario = { replicas, work, rate: () => 80, balance: policy(name) }
  const on = figures({ ...scenario, rules: only('latencyEjection', 'hedging') })
  const off = figures({ ...scenario, rules: NONE })
  expect(on.latePercent).toBeLessThan(1.15 * off.latePercent)
  expect(on.meanMs).toBeLessThan(1.15 * off.meanMs)
})

test('slowStart: a cold replica that joins makes fewer requests late', () => {
  const cold = { slowness: (_: number, served: number): number => (served < 40 ? 8 : 1) }
  const replicas = [
    ...fleet().slice(0, 4),
    { id: 'n0', slots: SLOTS, ...cold },
    { id: 'n1', slots: SLOTS, ...cold },
  ]
  const ids = replicas.map(({ id }) => id)
  const changes = [
    { atMs: 0, ids: ids.slice(0, 4) },
    { atMs: 28_000, ids },
  ]
  const scenario = { replicas, rate: rateOf(0.7, 4), changes }
  const on = figures({ ...scenario, rules: only('slowStart') }, 28_000)
  const off = figures({ ...scenario, rules: NONE }, 28_000)
  expect(on.latePercent).toBeLessThan(0.8 * off.latePercent)
})

test.each(PERMITS)('hedging: nobody sits out a stall, at no price, with $name', ({ permits }) => {
  const scenario = {
    replicas: fleet(STALLS),
    rate: rateOf(0.6),
    ...(permits !== undefined && { permits }),
  }
  const long = (rules: QueueRules): { readonly count: number; readonly figures: Figures } => {
    const { requests } = new VirtualTraffic({
      ...scenario,
      rules,
      seed: 7,
      durationMs: 60_000,
    }).run()
    return {
      count: requests.filter(({ latencyMs }) => latencyMs > 500).length,
      figures: figuresOf(requests),
    }
  }
  const on = long(only('hedging'))
  const off = long(NONE)
  expect(on.count).toBeLessThan(0.5 * off.count)
  expect(on.figures.hedgedPercent).toBeLessThan(1)
  expect(on.figures.latePercent).toBeLessThan(1.1 * off.figures.latePercent)
})

test.each(PERMITS)('hedging: where replicas are idle a stall costs a moment, with $name', (row) => {
  const { permits } = row
  const stalls = { replicas: fleet(STALLS), rate: rateOf(0.3) }
  const scenario = { ...stalls, ...(permits !== undefined && { permits }) }
  const on = figures({ ...scenario, rules: only('slowAware', 'hedging') })
  const off = figures({ ...scenario, rules: only('slowAware') })
  expect(on.p999Ms).toBeLessThan(0.5 * off.p999Ms)
  expect(on.latePercent).toBeLessThanOrEqual(off.latePercent)
})

test('hedging: halves what is late where another replica may be luckier, while all have work', () => {
  const scenario = { replicas: fleet(), rate: rateOf(0.7), redraws: true }
  const on = figures({ ...scenario, rules: only('slowAware', 'hedging') })
  const off = figures({ ...scenario, rules: only('slowAware') })
  expect(on.latePercent).toBeLessThan(0.5 * off.latePercent)
  expect(on.hedgedPercent).toBeLessThanOrEqual(5)
})

test('hedging: hardly happens where the same takes as long anywhere', () => {
  const scenario = { replicas: fleet(), rate: rateOf(0.7) }
  const on = figures({ ...scenario, rules: only('slowAware', 'hedging') })
  const off = figures({ ...scenario, rules: only('slowAware') })
  expect(on.hedgedPercent).toBeLessThan(1.5)
  expect(on.latePercent).toBeLessThan(1.1 * off.latePercent)
})

test('replicas that refuse connections cost retries, no failures', () => {
  const dead = { fails: (nowMs: number) => (nowMs > 5_000 ? ('refuses' as const) : undefined) }
  const { requests } = new VirtualTraffic({
    replicas: fleet(dead, dead),
    rate: rateOf(0.5),
    seed: 1,
    durationMs: 30_000,
  }).run()
  expect(figuresOf(requests).failed).toBe(0)
  const asked = requests.filter(({ visits }) => visits.includes('r0'))
  expect(asked.filter(({ arrivedAtMs }) => arrivedAtMs > 5_000).length).toBeLessThan(20)
})

test('where all answer with errors, none is ejected', () => {
  const broken = { fails: () => 'errors' as const }
  const traffic = new VirtualTraffic({
    replicas: fleet(...fleet().map(() => broken)),
    rate: rateOf(0.5),
    seed: 1,
    durationMs: 5_000,
  }).run()
  expect([...traffic.queue.replicas.values()].some(({ trouble }) => trouble.isEjected)).toBe(false)
})
