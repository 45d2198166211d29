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

/** Disk use is that of the file system under this directory. */
export async function openHostLoad(directory: string): Promise<ReadHostLoad> {
  let before = await readCpuTimes()
  return async () => {
    const now = await readCpuTimes()
    const cpu = cpuPercent(before, now)
    before = now
    const network = parseNetwork((await readIfThere('/proc/net/dev')) ?? '')
    return {
      cpuPercent: cpu,
      memoryPercent: await readMemoryPercent(),
      diskPercent: await readDiskPercent(directory),
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

/** As `df` shows it: of what ordinary users may fill. */
async function readDiskPercent(directory: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(directory)
  const used = blocks - bfree
  return percent(used, used + bavail)
}
