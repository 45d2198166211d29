import type { ServiceMeasurement } from '../../shared/protocol.ts'
import type { Meter } from './meter.ts'

/** One stretch of measurements on its way: what is sent again is sent unchanged. */
export interface Report {
  readonly seq: number
  readonly durationMs: number
  readonly services: readonly ServiceMeasurement[]
}

const DURATION_MIN_MS = 0.001

/**
 * Numbers stretches so that none is counted twice and none is lost: until a report is
 * acknowledged the same one is sent, while the meter goes on adding to the next.
 */
export class Reports {
  readonly #meter: Pick<Meter, 'cut'>
  readonly #spanMaxMs: number
  #pending: Report | undefined
  #fromMs: number
  #seq = 0

  /** What nobody took for longer than `spanMaxMs` would be told as if it were of just now. */
  constructor(meter: Pick<Meter, 'cut'>, spanMaxMs: number, nowMs: number) {
    this.#meter = meter
    this.#spanMaxMs = spanMaxMs
    this.#fromMs = nowMs
  }

  /** The report to send now: the unacknowledged one again, else everything since. */
  next(nowMs: number): Report {
    this.#pending ??= this.#cut(nowMs)
    return this.#pending
  }

  acknowledged(seq: number): void {
    if (this.#pending?.seq === seq) this.#pending = undefined
  }

  /** Drops what has become too old to say anything; answers how many requests that were. */
  forgetOld(nowMs: number): number {
    if (nowMs - this.#fromMs <= this.#spanMaxMs) return 0
    this.#fromMs = nowMs
    return this.#meter.cut(nowMs).reduce((sum, { arrivals }) => sum + arrivals, 0)
  }

  #cut(nowMs: number): Report {
    const durationMs = Math.max(DURATION_MIN_MS, nowMs - this.#fromMs)
    this.#fromMs = nowMs
    this.#seq += 1
    return { seq: this.#seq, durationMs, services: this.#meter.cut(nowMs) }
  }
}
