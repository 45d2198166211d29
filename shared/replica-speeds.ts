/** How fast each replica of a service is beside the others: hosts differ, and fall ill. */
import type { ReplicaId } from './model.ts'

/** What one replica did in one round, over all proxies. */
export interface ReplicaRound {
  readonly replica: ReplicaId
  /** Requests in flight, on average. */
  readonly inFlight: number
  readonly ended: number
  readonly failed: number
  /** How long those that ended took, in all. */
  readonly upstreamMs: number
}

interface Speed {
  value: number
  seenAtMs: number
}

/** Fewer answers than this say nothing about one replica. */
const ENDED_MIN = 5
/** So many answers weigh as much as everything before them. */
const ENDED_HALF = 50
const SPEED_MIN = 0.25
/** What is closer to the others than this is as fast as they are. */
const EVEN_FROM = 0.8
/** Latencies are compared only where no more than so much more is in flight than elsewhere. */
const CROWD_MAX = 1.25
const MS_MIN = 0.001
const FORGET_AFTER_MS = 60_000

/** Speeds from 0.25 to 1: a slower replica makes good use of fewer permits. */
export class ReplicaSpeeds {
  readonly #speeds = new Map<ReplicaId, Speed>()

  of(replica: ReplicaId): number {
    const value = this.#speeds.get(replica)?.value ?? 1
    return value >= EVEN_FROM ? 1 : value
  }

  see(rounds: readonly ReplicaRound[], nowMs: number): void {
    const telling = rounds.filter(({ ended }) => ended >= ENDED_MIN)
    const usualMs = lowerMedian(telling.map(meanMs))
    const usualInFlight = lowerMedian(telling.map(({ inFlight }) => inFlight))
    for (const round of telling) {
      const speed = this.#speeds.get(round.replica) ?? { value: 1, seenAtMs: nowMs }
      speed.seenAtMs = nowMs
      this.#speeds.set(round.replica, speed)
      const seen = Math.min(1, Math.max(SPEED_MIN, usualMs / meanMs(round)))
      // One that has more to do than the others answers later for that alone.
      if (seen < speed.value && round.inFlight > usualInFlight * CROWD_MAX) continue
      speed.value += ((seen - speed.value) * round.ended) / (round.ended + ENDED_HALF)
    }
    this.#forget(telling.length, nowMs)
  }

  #forget(present: number, nowMs: number): void {
    if (this.#speeds.size <= present) return
    for (const [replica, { seenAtMs }] of this.#speeds) {
      if (nowMs - seenAtMs > FORGET_AFTER_MS) this.#speeds.delete(replica)
    }
  }
}

export function meanMs({ upstreamMs, ended }: ReplicaRound): number {
  return Math.max(MS_MIN, upstreamMs / Math.max(1, ended))
}

/** The middle one; of two the lower, so that a slow one does not make the other look fast. */
export function lowerMedian(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0
}
