import type { EngineLimits } from '../engine.ts'

/** `head`: waits for a request. `busy`: one is under way. `closing`: the last answer is out. */
export type Stage = 'head' | 'busy' | 'closing' | 'over'

/** What a client is waited for, or waits for. */
export interface ClientWaiting {
  /** Something of a head came. */
  readonly beganHead: boolean
  /** Something that was written to it is still on the way. */
  readonly isPending: boolean
  /** More of a body is to come, and is read. */
  readonly readsBody: boolean
  /** It half closed and waits for its answer, or is gone. */
  readonly isPerhapsGone: boolean
  /** How often it was asked which. */
  readonly goneChecks: number
}

/** A client that takes longer to send or to read holds no replica's permit. */
export const SLOW_AFTER_MS = 200
export const NEVER = Number.POSITIVE_INFINITY

/**
 * When a client that half closed is asked whether it is still there, and asked again: the first
 * word makes the machine of one that is gone object, and only the second one learns of it.
 */
const GONE_CHECKS_MS = [250, 100, 15_000] as const
/** How long what a client still sends is read, so that it sees the answer before the end. */
const LINGER_MS = 2_000

/** How long a client may take for what is due next. */
export function patienceMs(
  stage: Stage,
  waiting: ClientWaiting,
  limits: Pick<EngineLimits, 'headersTimeoutMs' | 'keepAliveMs' | 'bodyIdleMs'>,
): number {
  if (stage === 'head') return waiting.beganHead ? limits.headersTimeoutMs : limits.keepAliveMs
  if (waiting.isPending) return limits.bodyIdleMs
  if (stage === 'closing') return LINGER_MS
  if (waiting.readsBody) return limits.bodyIdleMs
  if (!waiting.isPerhapsGone) return NEVER
  return GONE_CHECKS_MS[Math.min(waiting.goneChecks, GONE_CHECKS_MS.length - 1)] ?? NEVER
}
