/** How long and how often everything is measured. */
import type { OpenPace } from './open-rate.ts'
import type { Pace } from './slices.ts'

export interface ProxyPace {
  /** Of the first workload of fresh programs, in which they get warm. */
  readonly first: Pace
  readonly others: Pace
  readonly open: OpenPace
  readonly busyMs: number
  readonly idle: { readonly connections: number; readonly settleMs: number; readonly runs: number }
  readonly operations: { readonly operations: number; readonly everyMs: number }
  readonly takeOvers: { readonly times: number; readonly requestsMin: number }
  /** The same of the peers, for comparison; none in a quick run. */
  readonly peerTakeOvers: { readonly times: number; readonly requestsMin: number } | undefined
  /** Whether what is no matter of processor time is measured side by side. */
  readonly together: boolean
}

export const FULL: ProxyPace = {
  first: { rounds: 15, sliceMs: 1_000, warmRequests: 25_000, warmMaxMs: 8_000 },
  others: { rounds: 15, sliceMs: 1_000, warmRequests: 12_000, warmMaxMs: 3_000 },
  open: { rounds: 9, seconds: 2 },
  busyMs: 5_000,
  idle: { connections: 5_000, settleMs: 3_000, runs: 3 },
  operations: { operations: 100, everyMs: 300 },
  takeOvers: { times: 20, requestsMin: 105_000 },
  peerTakeOvers: { times: 10, requestsMin: 30_000 },
  together: false,
}

export const QUICK: ProxyPace = {
  first: { rounds: 2, sliceMs: 200, warmRequests: 4_000, warmMaxMs: 1_000 },
  others: { rounds: 2, sliceMs: 200, warmRequests: 1_000, warmMaxMs: 100 },
  open: { rounds: 2, seconds: 0.5 },
  busyMs: 1_500,
  idle: { connections: 5_000, settleMs: 700, runs: 1 },
  operations: { operations: 40, everyMs: 100 },
  takeOvers: { times: 3, requestsMin: 3_000 },
  peerTakeOvers: undefined,
  together: true,
}
