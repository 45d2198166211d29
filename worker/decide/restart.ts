/** How often a replica died here, and whether it ever served. */
export interface RestartHistory {
  /** Deaths in a row; one that follows a long calm starts the count again. */
  readonly deaths: number
  readonly diedAtMs: number
  /** Deaths in a row before it had served for the first time. */
  readonly failedStarts: number
  readonly hasServed: boolean
  /** Why it died last. */
  readonly reason: string
}

export interface RestartLimits {
  readonly backoffMs: number
  readonly backoffMaxMs: number
  /** After serving this long, a death counts as the first one. */
  readonly calmAfterMs: number
  readonly failedStartsMax: number
}

export type RestartVerdict =
  | { readonly kind: 'start'; readonly reason: string }
  | { readonly kind: 'wait'; readonly untilMs: number; readonly reason: string }
  | { readonly kind: 'fail'; readonly reason: string }

export const NEVER_STARTED: RestartHistory = {
  deaths: 0,
  diedAtMs: 0,
  failedStarts: 0,
  hasServed: false,
  reason: '',
}

/** Dying sooner than this after the first good probe is no serving: it only looked well. */
const SERVED_MIN_MS = 1_000

/** Whether a replica that keeps dying may be started again, and if not, when. */
export function mayRestart(
  history: RestartHistory,
  limits: RestartLimits,
  nowMs: number,
): RestartVerdict {
  const { deaths, failedStarts, reason } = history
  if (deaths === 0) return { kind: 'start', reason: 'first start' }
  if (!history.hasServed && failedStarts >= limits.failedStartsMax) {
    return { kind: 'fail', reason: `${reason}, ${failedStarts} times before it ever served` }
  }
  // Doubling keeps a crash loop from starving the node's other replicas.
  const waitMs = Math.min(limits.backoffMaxMs, limits.backoffMs * 2 ** (deaths - 1))
  if (nowMs - history.diedAtMs >= waitMs) return { kind: 'start', reason: `waited ${waitMs} ms` }
  const again = `starts again after ${waitMs / 1000} s (death ${deaths} in a row)`
  return { kind: 'wait', untilMs: history.diedAtMs + waitMs, reason: `${reason}; ${again}` }
}

export interface Death {
  readonly atMs: number
  readonly reason: string
  /** How long it had served in this run; undefined when it never did. */
  readonly servedMs?: number
}

/** The history after one more death. */
export function afterDeath(
  history: RestartHistory,
  death: Death,
  limits: Pick<RestartLimits, 'calmAfterMs'>,
): RestartHistory {
  const servedMs = death.servedMs ?? 0
  const served = servedMs >= SERVED_MIN_MS
  return {
    deaths: servedMs >= limits.calmAfterMs ? 1 : history.deaths + 1,
    diedAtMs: death.atMs,
    failedStarts: served ? 0 : history.failedStarts + 1,
    hasServed: history.hasServed || served,
    reason: death.reason,
  }
}
