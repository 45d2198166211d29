/** The share of the last answer in the mean. */
const SHARE = 0.1
/** One answer counts as this many times the mean at most: a single stall is no slowness. */
const SURPRISE_MAX = 3
/** With fewer answers nothing is concluded. */
const SAMPLES_MIN = 8
/** Without answers, what is beyond the others' time fades: it may have become faster. */
const FADES_MS = 10_000
/** How long the worst answer is remembered by the peak. */
const PEAK_FADES_MS = 10_000

/** How fast a replica answers, told from its answers. */
export class Speed {
  meanMs = 0
  samples = 0
  /** How many of its answers of late took longer than is usual elsewhere. */
  longShare = 0
  /** The worst of late, which fades: the cost of Finagle's peak EWMA. */
  peakMs = 0
  #learnedAtMs = 0
  #peakAtMs = 0

  get isKnown(): boolean {
    return this.samples >= SAMPLES_MIN
  }

  learn(upstreamMs: number, nowMs: number, longMs = Number.POSITIVE_INFINITY): void {
    this.#learnedAtMs = nowMs
    this.longShare += SHARE * ((upstreamMs > longMs ? 1 : 0) - this.longShare)
    this.samples += 1
    // The plain mean of the first few, so that the very first does not count for long.
    const share = Math.max(SHARE, 1 / this.samples)
    const counted = this.isKnown ? Math.min(upstreamMs, SURPRISE_MAX * this.meanMs) : upstreamMs
    this.meanMs += share * (counted - this.meanMs)
  }

  learnPeak(upstreamMs: number, nowMs: number): void {
    const kept = Math.exp(-Math.max(0, nowMs - this.#peakAtMs) / PEAK_FADES_MS)
    this.peakMs = Math.max(upstreamMs, this.peakMs * kept + upstreamMs * (1 - kept))
    this.#peakAtMs = nowMs
  }

  /** The peak, faded until now. */
  peakNowMs(nowMs: number): number {
    return this.peakMs * Math.exp(-Math.max(0, nowMs - this.#peakAtMs) / PEAK_FADES_MS)
  }

  /** What an answer is expected to take now, next to others that take `usualMs`. */
  expectedMs(usualMs: number, nowMs: number): number {
    if (!this.isKnown) return usualMs
    if (this.meanMs <= usualMs) return this.meanMs
    const kept = Math.exp(-Math.max(0, nowMs - this.#learnedAtMs) / FADES_MS)
    return usualMs + (this.meanMs - usualMs) * kept
  }

  /** Begins anew: what was learned was of another time. */
  forget(): void {
    this.samples = 0
    this.meanMs = 0
    this.longShare = 0
  }
}
