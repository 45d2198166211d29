import { statfs } from 'node:fs/promises'
import { cpus, freemem, totalmem } from 'node:os'
import { readIfThere } from '../shared/durable-file.ts'
import type { HostLoad } from '../shared/model.ts'
import {
  type CpuTimes,
  cpuPercent,
  parseCpuTimes,
  parseMemoryPercent,
  parseNetwork,
  percent,
} from './decide/host-load.ts'

/** How this machine is loaded; the CPU since the last question. */
export type ReadHostLoad = () => Promise<HostLoad>

/** Disk use is that of the fullest file system under these directories. */
export async function openHostLoad(directories: () => readonly string[]): Promise<ReadHostLoad> {
  let before = await readCpuTimes()
  return async () => {
    const now = await readCpuTimes()
    const cpu = cpuPercent(before, now)
    before = now
    const network = parseNetwork((await readIfThere('/proc/net/dev')) ?? '')
    return {
      cpuPercent: cpu,
      memoryPercent: await readMemoryPercent(),
      diskPercent: Math.max(0, ...(await Promise.all(directories().map(readDiskPercent)))),
      networkInBytes: network.in,
      networkOutBytes: network.out,
    }
  }
}

async function readCpuTimes(): Promise<CpuTimes> {
  const parsed = parseCpuTimes((await readIfThere('/proc/stat')) ?? '')
  return parsed ?? portableCpuTimes()
}

/** Where there is no /proc. */
function portableCpuTimes(): CpuTimes {
  let [busy, total] = [0, 0]
  for (const { times } of cpus()) {
    const all = times.user + times.nice + times.sys + times.irq
    busy += all
    total += all + times.idle
  }
  return { busy, total }
}

async function readMemoryPercent(): Promise<number> {
  const parsed = parseMemoryPercent((await readIfThere('/proc/meminfo')) ?? '')
  return parsed ?? percent(totalmem() - freemem(), totalmem())
}

/** As `df` shows it: of what ordinary users may fill. What this worker may not see is not full. */
async function readDiskPercent(directory: string): Promise<number> {
  const found = await statfs(directory).catch(() => undefined)
  if (found === undefined) return 0
  const { blocks, bfree, bavail } = found
  const used = blocks - bfree
  return percent(used, used + bavail)
}
