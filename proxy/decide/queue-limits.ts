import type { EjectionLimits } from './outlier-ejection.ts'

/** Rules that may be switched off, each for itself. */
export interface QueueRules {
  /** Those that can still meet the objective go first. */
  readonly objectiveOrder: boolean
  /** Slow replicas are used only if waiting for a fast one would take longer. */
  readonly slowAware: boolean
  /** Replicas that stall or are slow are left out. */
  readonly latencyEjection: boolean
  /** New replicas get one request at once until they are warm. */
  readonly slowStart: boolean
  /** A second replica is asked when the first takes too long. */
  readonly hedging: boolean
}

export interface QueueLimits {
  readonly waitingMax: number
  readonly waitMaxMs: number
  /** How long a request may wait while there is no replica, but one comes. */
  readonly waitEmptyMaxMs: number
  /** What a replica may have at once while nobody knows what it can. */
  readonly permitsStart: number
  /** Requests that may be asked of a second replica, per hundred. */
  readonly hedgePercent: number
  readonly ejection: EjectionLimits
  readonly slowStartMs: number
  readonly rules: QueueRules
}
