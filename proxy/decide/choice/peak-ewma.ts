import type { ReplicaState } from '../replica-state.ts'

/** Nobody knows how long it takes, and something is already under way: last of all. */
const PENALTY = 1e12

/** Finagle's peak EWMA: the worst latency of late, times what would have to be done. */
export function peakCost(replica: ReplicaState, nowMs: number): number {
  const peakMs = replica.speed.peakNowMs(nowMs)
  if (peakMs === 0 && replica.inFlight > 0) return PENALTY + replica.inFlight
  return peakMs * replica.load
}
