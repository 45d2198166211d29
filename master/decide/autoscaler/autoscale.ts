import type { Decision, ScalingInputs, ScalingRule } from '../../../shared/decision.ts'
import type { ServiceId } from '../../../shared/model.ts'
import { calmVerdict } from './calm.ts'
import type { AutoscalerLimits, Conclusion } from './conclusion.ts'

/** How many replicas the service should have. The same inputs give the same decision. */
export function autoscale(
  service: ServiceId,
  inputs: ScalingInputs,
  limits: AutoscalerLimits,
): Decision {
  const conclusion =
    outOfBounds(inputs) ??
    off(inputs) ??
    woken(inputs) ??
    overObjective(inputs, limits) ??
    calmVerdict(inputs, limits)
  return { service, atMs: inputs.nowMs, inputs, ...conclusion }
}

function outOfBounds(inputs: ScalingInputs): Conclusion | undefined {
  const { replicas, bounds, room = Number.POSITIVE_INFINITY } = inputs
  if (replicas < bounds.replicasMin) {
    const reason = `${replicas} is below the minimum of ${bounds.replicasMin}`
    if (room < 1) return { rule: 'at-maximum', replicas, reason: `${reason}; ${NO_ROOM}` }
    return {
      rule: 'below-minimum',
      replicas: Math.min(bounds.replicasMin, replicas + room),
      reason,
    }
  }
  if (replicas > bounds.replicasMax) {
    const reason = `${replicas} is above the maximum of ${bounds.replicasMax}`
    return { rule: 'above-maximum', replicas: bounds.replicasMax, reason }
  }
  return undefined
}

function off(inputs: ScalingInputs): Conclusion | undefined {
  if (inputs.autoscale) return undefined
  return { rule: 'off', replicas: inputs.replicas, reason: 'autoscaling is off for this service' }
}

/** At zero only who asks now counts, not how long anybody waited before. */
function woken({ replicas, unmet, room }: ScalingInputs): Conclusion | undefined {
  if (replicas > 0) return undefined
  if (unmet !== true) return { rule: 'at-minimum', replicas, reason: 'nobody asks for it' }
  const reason = 'requests came, and no replica is there'
  if (room === 0) return { rule: 'at-maximum', replicas, reason: `${reason}; ${NO_ROOM}` }
  return { rule: 'woken', replicas: 1, reason: `${reason}: 0 to 1 replicas` }
}

/** Says something while the objective is missed; undefined when it is met or nothing is known. */
function overObjective(inputs: ScalingInputs, limits: AutoscalerLimits): Conclusion | undefined {
  const { recent, objective, replicas, bounds, nowMs, scaling } = inputs
  if (recent === undefined || recent.percentileMs <= objective.latencyTargetMs) return undefined
  const seen = describe(inputs)
  const stay = (rule: ScalingRule, why: string): Conclusion => ({
    rule,
    replicas,
    reason: `${seen}; ${why}`,
  })
  if (inputs.serving < replicas) {
    return stay('waiting-for-start', `${replicas - inputs.serving} of ${replicas} still start`)
  }
  if (!wasOver(inputs)) return stay('unconfirmed', 'it may be a stall of a moment')
  if (scaling !== undefined && recent.fromMs < scaling.scaledAtMs + limits.effectWaitMs) {
    return stay('waiting-for-effect', `the last step is ${age(nowMs - scaling.scaledAtMs)} old`)
  }
  if (scaling?.direction === 'up' && nowMs - scaling.scaledAtMs < limits.scaleUpCooldownMs) {
    return stay('cooling-down', `the last step is ${age(nowMs - scaling.scaledAtMs)} old`)
  }
  const futile = futility(inputs, limits)
  if (futile !== undefined) return stay('futile', futile)
  if (replicas >= bounds.replicasMax) return stay('at-maximum', `${replicas} is the maximum`)
  if (inputs.room === 0) return stay('at-maximum', NO_ROOM)
  const to = replicas + 1
  return { rule: 'over-objective', replicas: to, reason: `${seen}: ${replicas} to ${to} replicas` }
}

const NO_ROOM = 'the cluster has all the replicas it may have'

function wasOver({ before, objective }: ScalingInputs): boolean {
  return before !== undefined && before.percentileMs > objective.latencyTargetMs
}

const IMPROVEMENT_MIN = 0.1
/** A rate measured while load sets in is too low: so much more per replica is still no growth. */
const GROWTH_MAX = 1.1

/** Adding is futile when no replica has more to do than before and answers hardly came sooner. */
function futility(inputs: ScalingInputs, limits: AutoscalerLimits): string | undefined {
  const { scaling, recent, nowMs, replicas } = inputs
  if (scaling?.direction !== 'up' || scaling.to !== replicas || recent === undefined)
    return undefined
  const { percentileBeforeMs, ratePerReplicaBefore } = scaling
  if (percentileBeforeMs === undefined || ratePerReplicaBefore === undefined) return undefined
  if (nowMs - scaling.scaledAtMs > limits.futileRetryMs) return undefined
  const relieved = rateOf(inputs) / replicas <= ratePerReplicaBefore * GROWTH_MAX
  const improved = recent.percentileMs <= percentileBeforeMs * (1 - IMPROVEMENT_MIN)
  if (!relieved || improved) return undefined
  return `going from ${scaling.from} to ${scaling.to} did not help (${ms(percentileBeforeMs)} before)`
}

/** Requests per second in the recent stretch. */
export function rateOf({ recent }: Pick<ScalingInputs, 'recent'>): number {
  if (recent === undefined) return 0
  return recent.requests / Math.max(0.2, (recent.toMs - recent.fromMs) / 1000)
}

function describe({ recent, objective }: ScalingInputs): string {
  if (recent === undefined) return 'nothing measured'
  const stretch = age(recent.toMs - recent.fromMs)
  const errors = recent.errors > 0 ? `, ${recent.errors} of them errors` : ''
  const seen = `p${objective.percentile} was ${ms(recent.percentileMs)} over ${stretch}`
  const basis = `${recent.requests} requests${errors}`
  return `${seen} (${basis}), objective ${ms(objective.latencyTargetMs)}`
}

function ms(value: number): string {
  return `${Math.round(value)} ms`
}

function age(value: number): string {
  return `${(value / 1000).toFixed(1)} s`
}
