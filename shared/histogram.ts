/**
 * Latencies in log-linear buckets: one add costs nanoseconds, any two can be merged, and a
 * percentile is off by at most 1.6 %. Pure; values are milliseconds outside, microseconds inside.
 */
const SUB_BUCKET_BITS = 5
const BUCKETS = logBuckets(SUB_BUCKET_BITS)
const MICROSECONDS_MAX = 2 ** 32 - 1

export class Histogram {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #sumMs = 0

  get count(): number {
    return this.#count
  }

  get meanMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count
  }

  add(ms: number): void {
    const bucket = bucketOf(ms)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#count += 1
    this.#sumMs += ms
  }

  /** The latency under which the given share (0 to 100) of all requests stayed; 0 when empty. */
  percentileMs(percentile: number): number {
    const rank = Math.max(1, Math.ceil((percentile / 100) * this.#count))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      seen += this.#counts[bucket] ?? 0
      if (seen >= rank) return middleMs(bucket)
    }
    return 0
  }

  /** How many stayed at or under the given latency, as exactly as the buckets tell. */
  countUpTo(ms: number): number {
    const last = bucketOf(ms)
    let seen = 0
    for (let bucket = 0; bucket <= last; bucket += 1) seen += this.#counts[bucket] ?? 0
    return seen
  }

  merge(other: Histogram): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + (other.#counts[bucket] ?? 0)
    }
    this.#count += other.#count
    this.#sumMs += other.#sumMs
  }

  clear(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#sumMs = 0
  }

  /** Pairs of bucket and count, then the sum: what travels on the wire. */
  encode(): HistogramWire {
    const buckets: number[] = []
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const count = this.#counts[bucket] ?? 0
      if (count > 0) buckets.push(bucket, count)
    }
    return { sumMs: this.#sumMs, buckets }
  }

  /** Adds what another program sent; buckets that do not exist are refused by the protocol. */
  mergeWire(wire: HistogramWire): void {
    for (let at = 0; at + 1 < wire.buckets.length; at += 2) {
      const bucket = wire.buckets[at] ?? 0
      const count = wire.buckets[at + 1] ?? 0
      this.#counts[bucket] = (this.#counts[bucket] ?? 0) + count
      this.#count += count
    }
    this.#sumMs += wire.sumMs
  }
}

export interface HistogramWire {
  readonly sumMs: number
  readonly buckets: readonly number[]
}

export const HISTOGRAM_BUCKETS = BUCKETS

function bucketOf(ms: number): number {
  return logBucketOf(ms, SUB_BUCKET_BITS)
}

function middleMs(bucket: number): number {
  return logBucketMiddleMs(bucket, SUB_BUCKET_BITS)
}

/** How many buckets there are with so many of them, as a power of two, for each doubling. */
export function logBuckets(bits: number): number {
  return 2 ** bits * (32 - bits + 1)
}

/** The bucket of a latency; the coarser the buckets, the less they take. */
export function logBucketOf(ms: number, bits: number): number {
  const microseconds = Math.min(MICROSECONDS_MAX, Math.max(0, Math.round(ms * 1000)))
  if (microseconds < 1 << bits) return microseconds
  const exponent = 31 - Math.clz32(microseconds)
  const sub = (microseconds >>> (exponent - bits)) & ((1 << bits) - 1)
  return ((exponent - bits + 1) << bits) + sub
}

export function logBucketMiddleMs(bucket: number, bits: number): number {
  const subBuckets = 1 << bits
  if (bucket < subBuckets) return bucket / 1000
  const exponent = Math.floor(bucket / subBuckets) - 1
  const low = (subBuckets + (bucket % subBuckets)) * 2 ** exponent
  return (low + 2 ** exponent / 2) / 1000
}
