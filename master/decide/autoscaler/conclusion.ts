import type { ScalingRule } from '../../../shared/decision.ts'
import type { Limits } from '../limits.ts'

export type AutoscalerLimits = Pick<
  Limits,
  'scaleInAfterMs' | 'scaleUpCooldownMs' | 'effectWaitMs' | 'futileRetryMs'
>

/** What one rule concluded: it wins when it says anything. */
export interface Conclusion {
  readonly rule: ScalingRule
  readonly replicas: number
  readonly reason: string
}
