import { expect, test } from 'vitest'
import { autoscale } from '../../../master/decide/autoscaler/autoscale.ts'
import type { DemandWindow, ScalingInputs } from '../../../shared/decision.ts'
import type { ScalingMemory } from '../../../shared/model.ts'
import { LIMITS } from '../../support/worlds.ts'

const NOW = 1_000_000

function recent(percentileMs: number, changes: Partial<DemandWindow> = {}): DemandWindow {
  const meanMs = percentileMs * 0.8
  return {
    fromMs: NOW - 1_000,
    toMs: NOW,
    requests: 100,
    errors: 0,
    percentileMs,
    meanMs,
    ...changes,
  }
}

function calmWindows(percentileMs: number, requests = 500): DemandWindow[] {
  return Array.from({ length: 6 }, (_, at) => ({
    fromMs: NOW - 60_000 + at * 10_000,
    toMs: NOW - 50_000 + at * 10_000,
    requests,
    errors: 0,
    percentileMs,
    meanMs: percentileMs,
  }))
}

function inputs(changes: Partial<ScalingInputs> = {}): ScalingInputs {
  const replicas = changes.replicas ?? 1
  return {
    nowMs: NOW,
    objective: { percentile: 95, latencyTargetMs: 100 },
    bounds: { replicasMin: 1, replicasMax: 10 },
    autoscale: true,
    replicas,
    serving: replicas,
    starting: 0,
    nodesReady: 2,
    nodesUsed: 1,
    windows: [],
    complete: true,
    // What is seen now was seen a moment before, too, unless a case says otherwise.
    ...(changes.recent === undefined ? {} : { before: changes.recent }),
    ...changes,
  }
}

const up: ScalingMemory = {
  scaledAtMs: NOW - 10_000,
  direction: 'up',
  from: 1,
  to: 2,
  percentileBeforeMs: 150,
  ratePerReplicaBefore: 100,
  holdMs: 0,
}

const calm = calmWindows(20)
const cases: readonly { rule: string; to: number; why: string; given: Partial<ScalingInputs> }[] = [
  { rule: 'too-few-samples', to: 1, why: 'nothing was measured', given: {} },
  { rule: 'over-objective', to: 2, why: 'p95 is 150 ms', given: { recent: recent(150) } },
  {
    rule: 'unconfirmed',
    to: 1,
    why: 'p95 is 150 ms for a moment only',
    given: { recent: recent(150), before: recent(5) },
  },
  { rule: 'at-minimum', to: 1, why: 'p95 is 5 ms', given: { recent: recent(5) } },
  { rule: 'at-minimum', to: 1, why: 'p95 is exactly 100 ms', given: { recent: recent(100) } },
  {
    rule: 'off',
    to: 3,
    why: 'it is off',
    given: { autoscale: false, replicas: 3, recent: recent(900) },
  },
  {
    rule: 'at-maximum',
    to: 10,
    why: 'the maximum runs',
    given: { replicas: 10, recent: recent(150) },
  },
  {
    rule: 'at-maximum',
    to: 2,
    why: 'the cluster has all it may have',
    given: { replicas: 2, room: 0, recent: recent(150) },
  },
  {
    rule: 'over-objective',
    to: 3,
    why: 'the cluster may have one more',
    given: { replicas: 2, room: 1, recent: recent(150) },
  },
  {
    rule: 'below-minimum',
    to: 3,
    why: 'the cluster may have two of the four that lack',
    given: { replicas: 1, room: 2, bounds: { replicasMin: 5, replicasMax: 9 } },
  },
  {
    rule: 'at-maximum',
    to: 1,
    why: 'it is below its minimum and the cluster has all it may have',
    given: { replicas: 1, room: 0, bounds: { replicasMin: 5, replicasMax: 9 } },
  },
  {
    rule: 'waiting-for-start',
    to: 2,
    why: 'one still starts',
    given: { replicas: 2, serving: 1, starting: 1, recent: recent(300) },
  },
  {
    rule: 'waiting-for-effect',
    to: 2,
    why: 'the answers are older than the step',
    given: { replicas: 2, recent: recent(300), scaling: { ...up, scaledAtMs: NOW - 1_500 } },
  },
  {
    rule: 'futile',
    to: 2,
    why: 'half the work each did not help',
    given: { replicas: 2, recent: recent(149), scaling: up },
  },
  {
    rule: 'over-objective',
    to: 3,
    why: 'the load grew as fast as the replicas',
    given: { replicas: 2, recent: recent(149, { requests: 240 }), scaling: up },
  },
  {
    rule: 'over-objective',
    to: 3,
    why: 'the last one helped, but not enough',
    given: { replicas: 2, recent: recent(120), scaling: up },
  },
  { rule: 'below-minimum', to: 1, why: 'it is at zero', given: { replicas: 0, serving: 0 } },
  {
    rule: 'above-maximum',
    to: 2,
    why: 'the maximum was lowered',
    given: { replicas: 5, bounds: { replicasMin: 1, replicasMax: 2 } },
  },
  { rule: 'calm', to: 1, why: 'p95 stayed at 20 ms', given: { replicas: 2, windows: calm } },
  {
    rule: 'calm',
    to: 1,
    why: 'no client came for a minute, as every proxy says',
    given: { replicas: 2, windows: calmWindows(0, 0) },
  },
  {
    rule: 'within-objective',
    to: 2,
    why: 'p95 reached 80 ms',
    given: { replicas: 2, windows: calmWindows(80), recent: recent(80) },
  },
  {
    rule: 'incomplete-data',
    to: 2,
    why: 'a proxy is silent',
    given: { replicas: 2, windows: calm, complete: false },
  },
  {
    rule: 'no-data',
    to: 2,
    why: 'half a minute is missing',
    given: { replicas: 2, windows: calm.slice(3) },
  },
  { rule: 'no-data', to: 2, why: 'nothing was measured', given: { replicas: 2 } },
  {
    rule: 'cooling-down',
    to: 2,
    why: 'the last step is 10 s old',
    given: { replicas: 2, windows: calm, scaling: up },
  },
  {
    rule: 'cooling-down',
    to: 2,
    why: 'the last scale-in was regretted',
    given: {
      replicas: 2,
      windows: calm,
      scaling: { ...up, scaledAtMs: NOW - 100_000, holdMs: 240_000 },
    },
  },
]
test.each(cases)('autoscale() says $rule, $to, when $why', ({ rule, to, given }) => {
  const decision = autoscale('web', inputs(given), LIMITS)
  expect({ rule: decision.rule, replicas: decision.replicas }).toEqual({ rule, replicas: to })
  expect(decision.reason).not.toBe('')
})

test('autoscale() gives the same decision again from the inputs it recorded', () => {
  const given = inputs({ recent: recent(150), scaling: { ...up, to: 5 } })
  const first = autoscale('web', given, LIMITS)
  const again = autoscale('web', JSON.parse(JSON.stringify(first.inputs)), LIMITS)
  expect(again).toEqual(first)
})

test('autoscale() names the numbers it saw', () => {
  const decision = autoscale('web', inputs({ recent: recent(150) }), LIMITS)
  expect(decision.reason).toBe(
    'p95 was 150 ms over 1.0 s (100 requests), objective 100 ms: 1 to 2 replicas',
  )
})

const atZero = { replicas: 0, bounds: { replicasMin: 0, replicasMax: 3 } }
const zeros: readonly (readonly [Partial<ScalingInputs>, ScalingInputs['replicas'], string])[] = [
  [{ ...atZero, unmet: true }, 1, 'woken'],
  [atZero, 0, 'at-minimum'],
  [{ ...atZero, recent: recent(500) }, 0, 'at-minimum'],
  [{ ...atZero, unmet: true, autoscale: false }, 0, 'off'],
  [{ ...atZero, unmet: true, room: 0 }, 0, 'at-maximum'],
  [{ ...atZero, replicas: 1, unmet: true }, 1, 'too-few-samples'],
]
test.each(zeros)('autoscale() at zero answers %j with %i', (changes, replicas, rule) => {
  const decision = autoscale('web', inputs(changes), LIMITS)
  expect(decision).toMatchObject({ replicas, rule })
  if (rule === 'woken') {
    expect(decision.reason).toBe('requests came, and no replica is there: 0 to 1 replicas')
  }
})

test('autoscale() takes the last replica from nobody', () => {
  const calm = { ...atZero, replicas: 1, windows: calmWindows(5, 0) }
  const { replicas, reason } = autoscale('web', inputs(calm), LIMITS)
  expect(replicas).toBe(1)
  expect(reason).toBe('the last replica stays and too little was measured to judge')
})
