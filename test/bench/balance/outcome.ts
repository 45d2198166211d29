/** How the requests to one proxy ended, and what follows from it; pure. */

export interface Outcome {
  readonly proxy: string
  /** In the order in which they were meant to be sent; -1: no complete right answer. */
  readonly latenciesMs: readonly number[]
}

export interface Summary {
  readonly proxy: string
  readonly requests: number
  readonly failed: number
  readonly latePercent: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
}

const FLOATS = 3

/** The records of the load: proxy, meant at, latency. */
export function outcomes(records: Float32Array, proxies: readonly string[]): readonly Outcome[] {
  const lists = proxies.map((): { atS: number; ms: number }[] => [])
  for (let at = 0; at + FLOATS <= records.length; at += FLOATS) {
    const [proxy = 0, atS = 0, ms = 0] = records.subarray(at, at + FLOATS)
    lists[proxy]?.push({ atS, ms })
  }
  return lists.map((list, at) => ({
    proxy: proxies[at] ?? '',
    latenciesMs: list.sort((a, b) => a.atS - b.atS).map(({ ms }) => ms),
  }))
}

/** A request that failed is late, and slower than any other. */
export function summary({ proxy, latenciesMs }: Outcome, objectiveMs: number): Summary {
  const sorted = ascending(latenciesMs)
  const late = sorted.filter((ms) => ms > objectiveMs).length
  return {
    proxy,
    requests: sorted.length,
    failed: latenciesMs.filter((ms) => ms < 0).length,
    latePercent: (100 * late) / Math.max(1, sorted.length),
    p50Ms: percentile(sorted, 50),
    p95Ms: percentile(sorted, 95),
    p99Ms: percentile(sorted, 99),
    p999Ms: percentile(sorted, 99.9),
  }
}

export function ascending(latenciesMs: readonly number[]): readonly number[] {
  return latenciesMs.map((ms) => (ms < 0 ? Number.POSITIVE_INFINITY : ms)).toSorted((a, b) => a - b)
}

/** Of values in ascending order: the one that so many percent do not exceed. */
export function percentile(sorted: readonly number[], percent: number): number {
  // 99.9 % of 1,000 is a hair above 999 in floating point.
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length - 1e-6))
  return sorted[rank - 1] ?? Number.NaN
}

/** Undefined where the other has nothing to compare with. */
export function ratio(own: number, other: number): number | undefined {
  const quotient = own / other
  return Number.isFinite(quotient) ? quotient : undefined
}

/** Hundredths of a millisecond, so that thousands of samples stay readable by a program. */
export function packed({ latenciesMs }: Outcome): string {
  return latenciesMs.map((ms) => (ms < 0 ? -1 : Math.round(ms * 100))).join(' ')
}
