import type { HealthCheck, Phase } from '../../shared/model.ts'

/** What the probes of one run of a replica add up to. */
export interface Health {
  readonly kind: 'starting' | 'serving' | 'unhealthy'
  readonly sinceMs: number
  /** Bad probes in a row, and good ones in a row. */
  readonly failures: number
  readonly successes: number
  /** What the last bad probe saw. */
  readonly reason: string
}

export type Outcome =
  | { readonly kind: 'passed' }
  | { readonly kind: 'failed'; readonly reason: string }

/** What somebody concluded who has counted already: one word of it is enough. */
export const DECIDED = { failuresMax: 1, successesMin: 1 } as const

/** How often a starting replica is asked: the first good answer brings it into rotation. */
const START_PROBE_EVERY_MS = 100

/** Being unhealthy for this many times as many probes as it took means it will not recover. */
const SICK_FACTOR = 3

export function starting(nowMs: number): Health {
  return { kind: 'starting', sinceMs: nowMs, failures: 0, successes: 0, reason: 'not probed yet' }
}

/**
 * The first look at a replica that an earlier worker process started. One that is past its start
 * and fails is unhealthy, not late: it has served before.
 */
export function adopted(
  outcome: Outcome,
  run: { readonly startedAtMs: number; readonly startMaxMs: number },
  nowMs: number,
): Health {
  const fresh = starting(run.startedAtMs)
  if (outcome.kind === 'passed') return { ...fresh, kind: 'serving', sinceMs: nowMs, successes: 1 }
  const { reason } = outcome
  if (nowMs - run.startedAtMs < run.startMaxMs) return { ...fresh, failures: 1, reason }
  return { ...fresh, kind: 'unhealthy', sinceMs: nowMs, failures: 1, reason }
}

/** The verdict after one more probe. */
export function judge(
  health: Health,
  outcome: Outcome,
  check: Pick<HealthCheck, 'failuresMax' | 'successesMin'>,
  nowMs: number,
): Health {
  if (outcome.kind === 'failed') return afterFailure(health, outcome.reason, check, nowMs)
  const counted = { ...health, failures: 0, successes: health.successes + 1 }
  const needed = health.kind === 'unhealthy' ? check.successesMin : 1
  if (health.kind === 'serving' || counted.successes < needed) return counted
  return { ...counted, kind: 'serving', sinceMs: nowMs }
}

function afterFailure(
  health: Health,
  reason: string,
  check: Pick<HealthCheck, 'failuresMax'>,
  nowMs: number,
): Health {
  const counted = { ...health, successes: 0, failures: health.failures + 1, reason }
  if (health.kind !== 'serving' || counted.failures < check.failuresMax) return counted
  return { ...counted, kind: 'unhealthy', sinceMs: nowMs }
}

/** Why it must be restarted; undefined while it may still recover. */
export function sicknessOf(
  health: Health,
  check: Pick<HealthCheck, 'failuresMax'>,
): string | undefined {
  if (health.kind !== 'unhealthy') return undefined
  if (health.failures < SICK_FACTOR * check.failuresMax) return undefined
  return `failed ${health.failures} health checks in a row: ${health.reason}`
}

export function probeAgainMs(health: Health, check: Pick<HealthCheck, 'intervalMs'>): number {
  if (health.kind !== 'starting') return check.intervalMs
  return Math.min(START_PROBE_EVERY_MS, check.intervalMs)
}

export function phaseOf({ kind, sinceMs, reason }: Health): Phase {
  return kind === 'unhealthy' ? { kind, sinceMs, reason } : { kind, sinceMs }
}
