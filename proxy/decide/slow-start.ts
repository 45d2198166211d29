import type { ReplicaState } from './replica-state.ts'

/** An answer is quick that takes no longer than this many times the usual. */
const QUICK_FACTOR = 2

/** A new replica warms up: it has one request at once, and one more with each quick answer. */
export function allowed(replica: ReplicaState, nowMs: number): number {
  if (nowMs >= replica.newUntilMs) return Number.POSITIVE_INFINITY
  return 1 + replica.quickAnswers
}

export function isWarm(replica: ReplicaState, nowMs: number): boolean {
  return nowMs >= replica.newUntilMs || replica.quickAnswers + 1 >= replica.permits
}

export function noteAnswer(replica: ReplicaState, upstreamMs: number, usualMs: number): void {
  if (usualMs === 0 || upstreamMs <= QUICK_FACTOR * usualMs) replica.quickAnswers += 1
}
