import { Crowding } from './crowding.ts'
import { LatencyQuantiles } from './latency-quantiles.ts'
import { OutlierEjection, type VisitEnd } from './outlier-ejection.ts'
import type { QueueLimits } from './queue-limits.ts'
import type { ReplicaPool } from './replica-pool.ts'
import type { ReplicaState } from './replica-state.ts'
import { noteAnswer } from './slow-start.ts'

/** A silence is a stall from so many times the median, or the 99th percentile, on. */
const STALL_MEDIANS = 4
const STALL_P99S = 1.5

/** What the ends of requests tell of the replicas. */
export class ReplicaWatch {
  readonly quantiles = new LatencyQuantiles()
  readonly crowding = new Crowding()
  readonly #limits: QueueLimits
  readonly #pool: ReplicaPool
  readonly #ejection: OutlierEjection

  constructor(limits: QueueLimits, pool: ReplicaPool) {
    this.#limits = limits
    this.#pool = pool
    this.#ejection = new OutlierEjection(limits.ejection, pool)
  }

  /** A replica that has requests and is silent for longer has stalled; infinite while unknown. */
  get silenceMs(): number {
    const { areKnown, medianMs, p99Ms } = this.quantiles
    if (!areKnown) return Number.POSITIVE_INFINITY
    return Math.max(this.#limits.ejection.stallMinMs, STALL_MEDIANS * medianMs, STALL_P99S * p99Ms)
  }

  /** From when on those that stalled are left out. */
  get stallMs(): number {
    return this.#limits.rules.latencyEjection ? this.silenceMs : Number.POSITIVE_INFINITY
  }

  /** Others are in the table now. */
  settle(added: readonly ReplicaState[], nowMs: number): void {
    const { rules, slowStartMs } = this.#limits
    // Where all are new, there is nobody to take the load while they warm up.
    if (rules.slowStart && added.length < this.#pool.routed.length) {
      for (const replica of added) {
        replica.newUntilMs = nowMs + slowStartMs
        replica.quickAnswers = 0
      }
    }
    this.#ejection.settle(nowMs)
  }

  answered(replica: ReplicaState, nowMs: number): void {
    this.#noteRecovery(replica, nowMs)
    replica.spoke(nowMs)
    this.#ejection.answered(replica, nowMs)
  }

  ended(replica: ReplicaState, end: VisitEnd, nowMs: number): void {
    const spoke = end.kind !== 'aborted' && end.kind !== 'timeout'
    const stalled = this.#hasStalled(replica, nowMs)
    if (spoke) this.#noteRecovery(replica, nowMs)
    replica.freed(end.status === 0)
    if (spoke) replica.progressAtMs = nowMs
    else if (stalled && replica.silent === 0) this.#ejection.gaveUp(replica, nowMs)
    if (end.kind === 'answered' && end.status < 500) this.#learn(replica, end, nowMs)
    this.#ejection.ended(replica, end, nowMs)
  }

  /** Errors teach nothing of speed: they are often the fastest answers of all. */
  #learn(replica: ReplicaState, { upstreamMs, crowd }: VisitEnd, nowMs: number): void {
    const usualMs = this.quantiles.areKnown ? this.quantiles.medianMs : 0
    this.quantiles.add(upstreamMs)
    noteAnswer(replica, upstreamMs, usualMs)
    // What stood still in a stall says how long the stall was, not how fast the replica is.
    if (nowMs - upstreamMs < replica.trouble.stallEndedAtMs) return
    this.#pool.learn(replica, upstreamMs, nowMs)
    this.crowding.learn(crowd, upstreamMs / this.#pool.slownessOf(replica, nowMs))
    if (this.#pool.watchesPeaks) replica.speed.learnPeak(upstreamMs, nowMs)
  }

  #noteRecovery(replica: ReplicaState, nowMs: number): void {
    if (this.#hasStalled(replica, nowMs)) this.#ejection.recovered(replica, nowMs)
  }

  #hasStalled(replica: ReplicaState, nowMs: number): boolean {
    return replica.hasStalled(this.stallMs, nowMs)
  }
}
