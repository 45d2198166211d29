/** Reads what Linux says of the whole machine. */

export interface CpuTimes {
  readonly busy: number
  readonly total: number
}

export interface NetworkBytes {
  readonly in: number
  readonly out: number
}

const IDLE = 3
const WAITING_FOR_DISK = 4
/** User, nice, system, idle, iowait, irq, softirq, steal; guests are in user already. */
const CPU_FIELDS = 8

/** Parses the first line of `/proc/stat`. */
export function parseCpuTimes(stat: string): CpuTimes | undefined {
  const line = /^cpu\s+(.+)$/m.exec(stat)?.[1]
  if (line === undefined) return undefined
  const times = line.trim().split(/\s+/).slice(0, CPU_FIELDS).map(Number)
  if (times.length <= WAITING_FOR_DISK || times.some(Number.isNaN)) return undefined
  const total = times.reduce((sum, time) => sum + time, 0)
  return { total, busy: total - (times[IDLE] ?? 0) - (times[WAITING_FOR_DISK] ?? 0) }
}

/** Between two readings; 0 when no time has passed, and never beyond what is possible. */
export function cpuPercent(before: CpuTimes, now: CpuTimes): number {
  const total = now.total - before.total
  return total <= 0 ? 0 : percent(now.busy - before.busy, total)
}

/** Parses `/proc/meminfo`: what programs could still get counts as free, caches included. */
export function parseMemoryPercent(meminfo: string): number | undefined {
  const total = kilobytes(meminfo, 'MemTotal')
  const available = kilobytes(meminfo, 'MemAvailable')
  if (total === undefined || available === undefined || total <= 0) return undefined
  return percent(total - available, total)
}

/** Parses `/proc/net/dev`: bytes since the boot over all interfaces but loopback. */
export function parseNetwork(dev: string): NetworkBytes {
  let [received, sent] = [0, 0]
  for (const [, name, counters = ''] of dev.matchAll(/^\s*([^\s:]+):\s*(.+)$/gm)) {
    if (name === 'lo') continue
    const fields = counters.trim().split(/\s+/).map(Number)
    received += fields[0] ?? 0
    sent += fields[8] ?? 0
  }
  return { in: received, out: sent }
}

export function percent(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(100, Math.max(0, (100 * part) / whole))
}

function kilobytes(meminfo: string, name: string): number | undefined {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(meminfo)?.[1]
  return found === undefined ? undefined : Number(found)
}
