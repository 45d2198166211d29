import { logBucketMiddleMs, logBucketOf, logBuckets } from '../../shared/histogram.ts'

/** Eight buckets per doubling: a quantile is off by 6 % at most. */
const SUB_BUCKET_BITS = 3
const BUCKETS = logBuckets(SUB_BUCKET_BITS)
/** From here on every count is halved: what is older counts ever less. */
const SAMPLES_MAX = 8_192
/** How many samples may pass before the quantiles are told anew. */
const FRESH_MAX = 64
/** A latency of nothing could not be told from one that is unknown. */
const LATENCY_MIN_MS = 0.001
/** With fewer samples nothing is concluded from them. */
const SAMPLES_MIN = 50

/** What upstream times are typical of a service, told from its recent answers. */
export class LatencyQuantiles {
  medianMs = 0
  p95Ms = 0
  p99Ms = 0
  readonly #counts = new Uint32Array(BUCKETS)
  #samples = 0
  #fresh = 0

  get areKnown(): boolean {
    return this.#samples >= SAMPLES_MIN
  }

  add(ms: number): void {
    const bucket = logBucketOf(Math.max(LATENCY_MIN_MS, ms), SUB_BUCKET_BITS)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#samples += 1
    this.#fresh += 1
    if (this.#samples >= SAMPLES_MAX) this.#halve()
    if (this.#fresh >= FRESH_MAX || this.#samples <= SAMPLES_MIN) this.#tell()
  }

  #halve(): void {
    this.#samples = 0
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const half = (this.#counts[bucket] ?? 0) >>> 1
      this.#counts[bucket] = half
      this.#samples += half
    }
  }

  #tell(): void {
    this.#fresh = 0
    let seen = 0
    this.medianMs = 0
    this.p95Ms = 0
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const count = this.#counts[bucket] ?? 0
      if (count === 0) continue
      seen += count
      if (this.medianMs === 0 && seen >= 0.5 * this.#samples)
        this.medianMs = logBucketMiddleMs(bucket, SUB_BUCKET_BITS)
      if (this.p95Ms === 0 && seen >= 0.95 * this.#samples)
        this.p95Ms = logBucketMiddleMs(bucket, SUB_BUCKET_BITS)
      if (seen >= 0.99 * this.#samples) {
        this.p99Ms = logBucketMiddleMs(bucket, SUB_BUCKET_BITS)
        return
      }
    }
  }
}
