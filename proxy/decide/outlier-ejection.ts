import type { ReplicaState } from './replica-state.ts'
import type { EjectionCause } from './trouble.ts'

export interface EjectionLimits {
  /** So many failures in a row, and a replica is ejected. */
  readonly failuresInRowMax: number
  /** How long it is ejected at first, and at most. */
  readonly avoidMinMs: number
  readonly avoidMaxMs: number
  /** A replica that has requests and is silent for this long, at least, has stalled. */
  readonly stallMinMs: number
}

export type VisitEndKind = 'answered' | 'failed' | 'timeout' | 'stale' | 'aborted'

/** How a request to a replica ended. */
export interface VisitEnd {
  readonly kind: VisitEndKind
  readonly upstreamMs: number
  /** 0 while nothing of an answer came. */
  readonly status: number
  /** How many it had when it was given this one, which is one of them. */
  readonly crowd: number
}

/** What is usual among the replicas of the service, 0 while unknown. */
export interface Usual {
  readonly routed: readonly ReplicaState[]
  /** The median of their mean upstream times. */
  readonly middleMs: number
  /** How many times longer than that one must take to be slow. */
  readonly slowFactor: number
  /** Whether all have too much to do. */
  readonly isBusy: boolean
  /** Whether one that is slow is ejected for that: where the choice itself does not avoid it. */
  readonly watchesSpeed: boolean
}

/** A few very long answers make a mean large, but no replica slow: so many must be long. */
const LONG_SHARE = 0.7
/** How much more often than the others one must fail that answers with errors. */
const WORSE_FACTOR = 2
const WORSE_MARGIN = 0.2
/** A second stall within this is no accident. */
const STALL_AGAIN_MS = 10_000
/** Clocks of visits and trials are read apart. */
const TOLERANCE_MS = 1

/** Takes replicas out that fail or are slow, at most half of them, and lets them prove themselves. */
export class OutlierEjection {
  readonly #limits: EjectionLimits
  readonly #usual: Usual

  constructor(limits: EjectionLimits, usual: Usual) {
    this.#limits = limits
    this.#usual = usual
  }

  /** The head of an answer came: whoever answers can be reached. */
  answered(replica: ReplicaState, nowMs: number): void {
    const { trouble } = replica
    if (trouble.cause === 'unreachable') trouble.readmit(nowMs)
  }

  ended(replica: ReplicaState, end: VisitEnd, nowMs: number): void {
    const { trouble } = replica
    if (this.#usual.isBusy) this.#recall(nowMs)
    if (trouble.isEjected) this.#tried(replica, end, nowMs)
    else if (end.kind !== 'stale' && end.kind !== 'aborted') this.#judge(replica, end, nowMs)
  }

  /** It spoke again after a stall. */
  recovered(replica: ReplicaState, nowMs: number): void {
    const { trouble } = replica
    const again = nowMs - trouble.stallEndedAtMs < STALL_AGAIN_MS
    trouble.stallEndedAtMs = nowMs
    if (again && !trouble.isEjected && !this.#othersStalled(replica, nowMs))
      this.#eject(replica, 'stalls', nowMs)
  }

  /** Nobody waits any more for a replica that was silent to the end. */
  gaveUp(replica: ReplicaState, nowMs: number): void {
    if (!replica.trouble.isEjected) this.#eject(replica, 'stalls', nowMs)
  }

  /** Others left: those that would now be too many come back, the first due first. */
  settle(nowMs: number): void {
    const { routed } = this.#usual
    let spare = ejectedOf(routed) - Math.floor(routed.length / 2)
    for (; spare > 0; spare -= 1) {
      let first: ReplicaState | undefined
      for (const replica of routed) {
        if (!replica.trouble.isEjected) continue
        if (first === undefined || replica.trouble.untilMs < first.trouble.untilMs) first = replica
      }
      first?.trouble.readmit(nowMs)
    }
  }

  #judge(replica: ReplicaState, end: VisitEnd, nowMs: number): void {
    const { trouble } = replica
    const failed = isFailure(end)
    trouble.count(failed)
    if (!failed) {
      if (this.#usual.watchesSpeed && this.#isSlow(replica)) this.#eject(replica, 'slow', nowMs)
    } else if (trouble.failuresInRow >= this.#limits.failuresInRowMax) {
      if (end.status === 0) this.#eject(replica, 'unreachable', nowMs)
      else if (this.#isWorse(replica)) this.#eject(replica, 'errors', nowMs)
    }
  }

  /** Requests that were under way when it fell out tell nothing new. */
  #tried(replica: ReplicaState, end: VisitEnd, nowMs: number): void {
    const { trouble } = replica
    const { trialAtMs } = trouble
    if (trialAtMs === undefined || end.upstreamMs > nowMs - trialAtMs + TOLERANCE_MS) return
    trouble.trialAtMs = undefined
    if (end.kind === 'stale' || end.kind === 'aborted') return
    if (isFailure(end) || this.#isTooSlow(replica, end)) this.#avoid(replica, nowMs)
    else {
      if (trouble.cause === 'slow') replica.speed.forget()
      trouble.readmit(nowMs)
    }
  }

  /** Where half of the others stall as well, some requests simply take that long. */
  #othersStalled(replica: ReplicaState, nowMs: number): boolean {
    const { routed } = this.#usual
    let stalled = 0
    for (const other of routed) {
      if (other !== replica && nowMs - other.trouble.stallEndedAtMs < STALL_AGAIN_MS) stalled += 1
    }
    return stalled > 0 && 2 * stalled >= routed.length - 1
  }

  #isTooSlow({ trouble }: ReplicaState, { upstreamMs }: VisitEnd): boolean {
    const { middleMs, slowFactor } = this.#usual
    const { stallMinMs } = this.#limits
    if (middleMs === 0) return false
    if (trouble.cause === 'slow') return upstreamMs >= slowFactor * middleMs
    return trouble.cause === 'stalls' && upstreamMs >= Math.max(stallMinMs, 4 * middleMs)
  }

  #isSlow({ speed }: ReplicaState): boolean {
    const { middleMs, slowFactor } = this.#usual
    if (middleMs === 0 || !speed.isKnown || speed.longShare < LONG_SHARE) return false
    return speed.meanMs >= slowFactor * middleMs
  }

  /** Where all fail alike the fault is behind them, and ejecting one helps nobody. */
  #isWorse(replica: ReplicaState): boolean {
    let sum = 0
    const { routed } = this.#usual
    for (const other of routed) if (other !== replica) sum += other.trouble.failureShare
    const others = sum / Math.max(1, routed.length - 1)
    return replica.trouble.failureShare > WORSE_FACTOR * others + WORSE_MARGIN
  }

  #eject(replica: ReplicaState, cause: EjectionCause, nowMs: number): void {
    const { isBusy, routed } = this.#usual
    // A slow replica does more than none, and the load of one that is out makes the next one slow.
    if (isBusy && isOfLatency(cause)) return
    if (!replica.routed || 2 * (ejectedOf(routed) + 1) > routed.length) return
    const { trouble } = replica
    if (nowMs - trouble.readmittedAtMs > this.#limits.avoidMaxMs) trouble.ejections = 0
    trouble.cause = cause
    this.#avoid(replica, nowMs)
  }

  /** Those that are merely slow come back to help. */
  #recall(nowMs: number): void {
    for (const { trouble } of this.#usual.routed) {
      if (trouble.cause !== undefined && isOfLatency(trouble.cause)) trouble.readmit(nowMs)
    }
  }

  #avoid({ trouble }: ReplicaState, nowMs: number): void {
    const { avoidMinMs, avoidMaxMs } = this.#limits
    trouble.untilMs = nowMs + Math.min(avoidMaxMs, avoidMinMs * 2 ** trouble.ejections)
    trouble.trialAtMs = undefined
    trouble.ejections += 1
  }
}

function isOfLatency(cause: EjectionCause): boolean {
  return cause === 'slow' || cause === 'stalls'
}

function isFailure({ kind, status }: VisitEnd): boolean {
  return kind !== 'answered' || status >= 500
}

export function ejectedOf(routed: readonly ReplicaState[]): number {
  let count = 0
  for (const { trouble } of routed) if (trouble.isEjected) count += 1
  return count
}
