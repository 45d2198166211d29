/** A latency histogram of ours as the cumulative buckets that Prometheus reads. */
import type { Histogram } from './histogram.ts'

export interface HistogramSeries<L extends string> {
  readonly labels: Readonly<Record<L, string>>
  /** It only ever grows: a window that is emptied now and then looks like a restart. */
  readonly histogram: Histogram
  /** An edge of its own, so that the share of requests within the objective is exact. */
  readonly objectiveMs?: number | undefined
}

export interface BucketLine {
  readonly metricName: string
  readonly labels: Record<string, string | number>
  readonly value: number
}

const EDGES_MS = [5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000]

export function bucketLines(name: string, series: HistogramSeries<string>): readonly BucketLine[] {
  const { labels, histogram } = series
  const buckets = edgesMs(series.objectiveMs).map((edgeMs) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le: edgeMs / 1_000 },
    value: histogram.countUpTo(edgeMs),
  }))
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: histogram.count },
    { metricName: `${name}_sum`, labels, value: (histogram.meanMs * histogram.count) / 1_000 },
    { metricName: `${name}_count`, labels, value: histogram.count },
  ]
}

function edgesMs(objectiveMs: number | undefined): readonly number[] {
  if (objectiveMs === undefined || !(objectiveMs > 0) || !Number.isFinite(objectiveMs)) {
    return EDGES_MS
  }
  return [...new Set([...EDGES_MS, objectiveMs])].sort((a, b) => a - b)
}
