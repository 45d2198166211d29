/** The replicas behind each proxy, and what is hard about them. */
import type { RULES } from '../../../proxy/config.ts'

export interface Scenario {
  /**
   * One of them is slower than the others, or stalls now and then; more requests come than they can
   * serve; some are added while requests come, and are slow at first.
   */
  readonly name: 'slow' | 'stall' | 'overload' | 'cold'
  /** Requests to each proxy. */
  readonly perSecond: number
  /** What a set of replicas is told. */
  readonly replicas: readonly string[]
  /** How many of them are there from the beginning; the others come one by one. */
  readonly first?: number
}

/** One in which ours is compared with its peers. */
export interface Comparison extends Scenario {
  readonly name: 'slow' | 'stall'
}

/** One in which ours runs with and without the rules that are made for it. */
export interface Trial extends Scenario {
  readonly variants: readonly Variant[]
}

/** Ours with other flags than it has by default. */
export interface Variant {
  readonly name: string
  readonly flags: readonly string[]
}

export interface Stalls {
  readonly everyMs: number
  readonly forMs: number
}

export const REPLICAS = 10
export const RULE_OFF = '--rule-off'
const SLOTS = 2
const MEAN_MS = 30
/** Of the logarithm: with the mean it makes a 99th percentile of 80 ms. */
const SIGMA = 0.469
/** Of what the replicas together can serve. */
const LOAD = 0.7
const OVERLOAD = 1.15
const ODD = 4
const SLOWER = 3
/** How many replicas are there before others come, and how those are at first. */
const FIRST = 5
const COLDER = 4
const COLD_MS = 2_000

export const OBJECTIVE_MS = 100

/** Requests per second that one replica can serve. */
const EACH = (SLOTS * 1000) / MEAN_MS

export function comparisons(seed: number, stalls: Stalls): readonly [Comparison, Comparison] {
  const alike = alikeBy(seed)
  return [
    {
      name: 'slow',
      perSecond: LOAD * EACH * (REPLICAS - 1 + 1 / SLOWER),
      replicas: [...alike, `slow=${ODD}:${SLOWER}`],
    },
    {
      name: 'stall',
      perSecond: LOAD * EACH * REPLICAS,
      replicas: [...alike, `stall=${ODD}:${stalls.everyMs}:${stalls.forMs}`],
    },
  ]
}

export function trials(seed: number, stalls: Stalls): readonly Trial[] {
  const [slow, stall] = comparisons(seed, stalls)
  const alike = alikeBy(seed)
  const cold = { replicas: [...alike, `cold=${FIRST}:${COLDER}:${COLD_MS}`], first: FIRST }
  const overload = { replicas: alike, perSecond: OVERLOAD * EACH * REPLICAS }
  return [
    { ...slow, variants: [without('slow-aware'), without('hedging')] },
    { ...stall, variants: [without('latency-ejection'), without('hedging')] },
    { name: 'overload', ...overload, variants: [without('objective-order')] },
    { name: 'cold', perSecond: LOAD * EACH * FIRST, ...cold, variants: [SLOW_START] },
  ]
}

const SLOW_START: Variant = { name: 'with slow start', flags: ['--slow-start', '10s'] }

function without(rule: (typeof RULES)[number]): Variant {
  return { name: `without ${rule}`, flags: [RULE_OFF, rule] }
}

function alikeBy(seed: number): readonly string[] {
  return [`seed=${seed}`, `slots=${SLOTS}`, `mean=${MEAN_MS * 1000}`, `sigma=${SIGMA}`]
}
