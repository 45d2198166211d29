/** The words in which the autoscaler says what it saw and what it concluded. Pure types. */
import type { Bounds, Objective, ScalingMemory, ServiceId } from './model.ts'

/** What the proxies saw of one service in one stretch of time. */
export interface DemandWindow {
  readonly fromMs: number
  readonly toMs: number
  readonly requests: number
  /** Errors and timeouts; they count as slow, never as fast. */
  readonly errors: number
  readonly percentileMs: number
  readonly meanMs: number
}

/** Everything the autoscaler looked at: the same inputs give the same decision. */
export interface ScalingInputs {
  readonly nowMs: number
  readonly objective: Objective
  readonly bounds: Bounds
  readonly autoscale: boolean
  readonly replicas: number
  /** How many more the whole cluster may have; undefined: as many as fit. */
  readonly room?: number
  readonly serving: number
  readonly starting: number
  readonly nodesReady: number
  readonly nodesUsed: number
  /** The shortest stretch until now that holds enough requests to judge. */
  readonly recent?: DemandWindow
  /** The same, seen from a moment before: what misses the objective in both is no mere stall. */
  readonly before?: DemandWindow
  /** Equal stretches, oldest first; the last one ends now or shortly before. */
  readonly windows: readonly DemandWindow[]
  /** Whether every live proxy has reported lately: without it nothing is scaled in. */
  readonly complete: boolean
  /** Requests came lately, and no replica was wanted. */
  readonly unmet?: boolean
  readonly scaling?: ScalingMemory
}

export type ScalingRule =
  | 'off'
  | 'no-data'
  | 'too-few-samples'
  | 'within-objective'
  | 'over-objective'
  | 'unconfirmed'
  | 'waiting-for-start'
  | 'waiting-for-effect'
  | 'futile'
  | 'at-maximum'
  | 'below-minimum'
  | 'woken'
  | 'above-maximum'
  | 'calm'
  | 'incomplete-data'
  | 'would-be-too-slow'
  | 'cooling-down'
  | 'at-minimum'

/** What the autoscaler concluded, also when it did nothing. */
export interface Decision {
  readonly service: ServiceId
  readonly atMs: number
  readonly rule: ScalingRule
  readonly replicas: number
  readonly reason: string
  readonly inputs: ScalingInputs
}
