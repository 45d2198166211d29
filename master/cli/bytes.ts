const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']
const STEP = 1_000

/** Such as `3.2 MB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let at = 0
  while (value >= STEP && at < UNITS.length - 1) {
    value /= STEP
    at += 1
  }
  const shown = at === 0 || value >= 100 ? Math.round(value) : Math.round(value * 10) / 10
  return `${shown} ${UNITS[at]}`
}
