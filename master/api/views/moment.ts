const MOMENT_MAX_MS = 8.64e15

/** ISO 8601, also for what a stranger's clock told. */
export function moment(ms: number): string {
  return new Date(Math.min(ms, MOMENT_MAX_MS)).toISOString()
}

/** A figure for people and programs that needs no more than one decimal. */
export function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
