import { parseDuration } from '../../shared/knob.ts'
import type { Objective } from '../../shared/model.ts'

const TARGET_MAX_MS = 3_600_000

/** Reads `p95 < 100ms` or `p99.9<2s`. */
export function parseObjective(raw: unknown): Objective {
  const matched = /^p(\d{1,2}(?:\.\d{1,3})?)\s*<=?\s*(\S{1,16})$/i.exec(String(raw).trim())
  const percentile = Number(matched?.[1])
  if (matched === null || !(percentile > 0)) throw new Error(EXPECTED)
  const latencyTargetMs = parseDuration(matched[2])
  if (latencyTargetMs > 0 && latencyTargetMs <= TARGET_MAX_MS)
    return { percentile, latencyTargetMs }
  throw new Error('expected a latency between 0 and 1 hour')
}

const EXPECTED = 'expected an objective like "p95 < 100ms"'

export function objectiveText({ percentile, latencyTargetMs }: Objective): string {
  return `p${percentile} < ${latencyTargetMs}ms`
}
