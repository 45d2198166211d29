const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'm', ms: 60_000 },
] as const

/** How long ago something was, in its largest whole unit: `12s`, `3m`. */
export function ageOf(iso: string, nowMs: number): string {
  const ms = nowMs - Date.parse(iso)
  return Number.isFinite(ms) ? lasted(ms) : '?'
}

export function lasted(ms: number): string {
  const unit = UNITS.find((candidate) => ms >= candidate.ms)
  if (unit === undefined) return `${Math.max(0, Math.floor(ms / 1000))}s`
  return `${Math.floor(ms / unit.ms)}${unit.name}`
}

/** The time of day in this machine's zone. */
export function timeOf(atMs: number): string {
  const date = new Date(atMs)
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':')
}
