/** What a container had used at one moment: totals since its start, but for the memory. */
export interface UsageSample {
  readonly atMs: number
  readonly cpuMs: number
  readonly memoryBytes: number
  readonly networkInBytes?: number
  readonly networkOutBytes?: number
  readonly diskReadBytes?: number
  readonly diskWriteBytes?: number
}

export interface UsageFigures {
  readonly cpuPercent: number
  readonly memoryMb: number
  readonly networkInBytes?: number
  readonly networkOutBytes?: number
  readonly diskReadBytes?: number
  readonly diskWriteBytes?: number
}

/** Within less the kernel's own rounding would show. */
export const BETWEEN_MIN_MS = 100

const BYTES_PER_MB = 1_048_576

/** Between two moments; 100 is one whole CPU. Undefined when they are too close to each other. */
export function usageBetween(before: UsageSample, now: UsageSample): UsageFigures | undefined {
  const elapsedMs = now.atMs - before.atMs
  if (elapsedMs < BETWEEN_MIN_MS) return undefined
  const { atMs: _atMs, cpuMs, memoryBytes, ...totals } = now
  // Less than before: it was started anew in between.
  const usedMs = Math.max(0, cpuMs - before.cpuMs)
  return {
    cpuPercent: (100 * usedMs) / elapsedMs,
    memoryMb: memoryBytes / BYTES_PER_MB,
    ...totals,
  }
}
