/** The replicas behind each proxy: all alike, but for one that is slow or stalls now and then. */

export interface Scenario {
  readonly name: 'slow' | 'stall'
  /** Requests to each proxy. */
  readonly perSecond: number
  /** What a set of replicas is told. */
  readonly replicas: readonly string[]
}

export interface Stalls {
  readonly everyMs: number
  readonly forMs: number
}

export const REPLICAS = 10
const SLOTS = 2
const MEAN_MS = 30
/** Of the logarithm: with the mean it makes a 99th percentile of 80 ms. */
const SIGMA = 0.469
/** Of what the replicas together can serve. */
const LOAD = 0.7
const ODD = 4
const SLOWER = 3

export const OBJECTIVE_MS = 100

export function scenarios(seed: number, stalls: Stalls): readonly Scenario[] {
  const alike = [`seed=${seed}`, `slots=${SLOTS}`, `mean=${MEAN_MS * 1000}`, `sigma=${SIGMA}`]
  const each = (SLOTS * 1000) / MEAN_MS
  return [
    {
      name: 'slow',
      perSecond: LOAD * each * (REPLICAS - 1 + 1 / SLOWER),
      replicas: [...alike, `slow=${ODD}:${SLOWER}`],
    },
    {
      name: 'stall',
      perSecond: LOAD * each * REPLICAS,
      replicas: [...alike, `stall=${ODD}:${stalls.everyMs}:${stalls.forMs}`],
    },
  ]
}
