import type { DemandWindow, ScalingInputs, ScalingRule } from '../../../shared/decision.ts'
import type { AutoscalerLimits, Conclusion } from './conclusion.ts'

/** How far below its objective a service must stay before one replica fewer is tried. */
const CALM_SHARE = 0.7

/** The objective is not missed: whether it was calm for so long that one replica can go. */
export function calmVerdict(inputs: ScalingInputs, limits: AutoscalerLimits): Conclusion {
  const { replicas, bounds, complete, nowMs, scaling } = inputs
  const stay = (rule: ScalingRule, reason: string): Conclusion => ({ rule, replicas, reason })
  // The last one is taken away by hand only, also where none need be there.
  if (replicas <= Math.max(1, bounds.replicasMin)) {
    return stay(inputs.recent === undefined ? 'too-few-samples' : 'at-minimum', idle(inputs))
  }
  if (inputs.serving < replicas) return stay('waiting-for-start', 'replicas still start')
  if (!complete) return stay('incomplete-data', 'not every proxy has reported lately')
  const holdMs = Math.max(limits.scaleInAfterMs, scaling?.holdMs ?? 0)
  if (scaling !== undefined && nowMs - scaling.scaledAtMs < holdMs) {
    return stay('cooling-down', `${replicas} replicas are kept for ${holdMs / 1000} s after a step`)
  }
  const covered = coverage(inputs.windows, nowMs, limits.scaleInAfterMs)
  if (covered === undefined) return stay('no-data', 'not measured for long enough')
  const worst = worstOf(covered)
  const calmMs = inputs.objective.latencyTargetMs * CALM_SHARE
  if (worst > calmMs) {
    return stay('within-objective', `${percentile(inputs)} reached ${Math.round(worst)} ms lately`)
  }
  const to = replicas - 1
  const span = `${limits.scaleInAfterMs / 1000} s`
  const reason = `${percentile(inputs)} stayed at or under ${Math.round(worst)} ms for ${span}`
  return { rule: 'calm', replicas: to, reason: `${reason}: ${replicas} to ${to} replicas` }
}

/** The windows of the last stretch, when together they leave no hole in it. */
function coverage(
  windows: readonly DemandWindow[],
  nowMs: number,
  neededMs: number,
): readonly DemandWindow[] | undefined {
  const within = windows.filter((window) => window.toMs > nowMs - neededMs)
  const measuredMs = within.reduce((sum, window) => sum + (window.toMs - window.fromMs), 0)
  const latest = within.at(-1)
  // One window may be under way, so the last stretch can lack up to its length.
  const slackMs = latest === undefined ? 0 : latest.toMs - latest.fromMs
  return measuredMs + slackMs >= neededMs ? within : undefined
}

function worstOf(windows: readonly DemandWindow[]): number {
  return Math.max(0, ...windows.filter((w) => w.requests > 0).map((w) => w.percentileMs))
}

function percentile({ objective }: ScalingInputs): string {
  return `p${objective.percentile}`
}

function idle(inputs: ScalingInputs): string {
  const { recent, objective } = inputs
  const least = leastOf(inputs)
  if (recent === undefined) return `${least} and too little was measured to judge`
  const seen = `p${objective.percentile} is ${Math.round(recent.percentileMs)} ms`
  return `${seen}, objective ${objective.latencyTargetMs} ms; ${least}`
}

function leastOf({ replicas, bounds }: ScalingInputs): string {
  if (replicas > bounds.replicasMin) return 'the last replica stays'
  return `${replicas} ${replicas === 1 ? 'replica is' : 'replicas are'} the minimum`
}
