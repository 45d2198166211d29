import { TARGET_MS } from './table.ts'
import type { VirtualRequest } from './virtual-traffic.ts'

export interface Figures {
  readonly requests: number
  readonly latePercent: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  readonly hedgedPercent: number
  readonly failed: number
}

/** Those that failed are late, as they are for who asked. */
export function figuresOf(requests: readonly VirtualRequest[], fromMs = 0): Figures {
  const counted = requests.filter(({ arrivedAtMs }) => arrivedAtMs >= fromMs)
  const answered = counted.filter(({ fate }) => fate === 'answered')
  const latencies = Float64Array.from(answered.map(({ latencyMs }) => latencyMs)).sort()
  const late = counted.filter(({ fate, latencyMs }) => fate !== 'answered' || latencyMs > TARGET_MS)
  const at = (share: number): number =>
    latencies[Math.min(latencies.length - 1, Math.floor(share * latencies.length))] ?? 0
  return {
    requests: counted.length,
    latePercent: (100 * late.length) / Math.max(1, counted.length),
    meanMs: latencies.reduce((sum, ms) => sum + ms, 0) / Math.max(1, latencies.length),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    p999Ms: at(0.999),
    maxMs: latencies.at(-1) ?? 0,
    hedgedPercent:
      (100 * counted.filter(({ hedged }) => hedged).length) / Math.max(1, counted.length),
    failed: counted.length - answered.length,
  }
}
