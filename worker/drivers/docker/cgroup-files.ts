/** What one container uses, straight from the kernel: microseconds, and nobody else is asked. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../../shared/clock.ts'
import {
  type CgroupPlace,
  cgroupPlace,
  type DiskBytes,
  heldBytes,
  parseIoStat,
  parseNumber,
  parseServiceBytes,
  parseStat,
} from '../../decide/cgroup-usage.ts'
import { parseNetwork } from '../../decide/host-load.ts'
import type { UsageSample } from '../../decide/usage-samples.ts'

export interface ContainerProcess {
  readonly id: string
  /** Its first process, as this machine counts them. */
  readonly pid: number
}

/** Where the kernel shows itself. */
export interface KernelFolders {
  readonly proc: string
  readonly cgroup: string
}

export const KERNEL: KernelFolders = { proc: '/proc', cgroup: '/sys/fs/cgroup' }

/** Undefined where the files are not to be seen, or belong to somebody else. */
export async function readCgroup(
  { id, pid }: ContainerProcess,
  { proc, cgroup }: KernelFolders,
  clock: Clock,
): Promise<UsageSample | undefined> {
  // Looked up each time: the id of a process that ended is given to another one.
  const place = cgroupPlace((await text(join(proc, String(pid), 'cgroup'))) ?? '', id)
  if (place === undefined) return undefined
  const atMs = clock.nowMs()
  const core =
    place.version === 1 ? await readFirst(place, cgroup) : await readSecond(place, cgroup)
  if (core === undefined) return undefined
  const network = await text(join(proc, String(pid), 'net/dev'))
  return { atMs, ...core, ...(network === undefined ? {} : networkOf(network)) }
}

type Core = Omit<UsageSample, 'atMs'>

async function readFirst(
  place: CgroupPlace & { readonly version: 1 },
  root: string,
): Promise<Core | undefined> {
  const memory = join(root, 'memory', place.memory)
  const [cpuNs, used, stat, disk] = [
    parseNumber((await text(join(root, 'cpuacct', place.cpu, 'cpuacct.usage'))) ?? ''),
    parseNumber((await text(join(memory, 'memory.usage_in_bytes'))) ?? ''),
    await text(join(memory, 'memory.stat')),
    place.disk && (await text(join(root, 'blkio', place.disk, 'blkio.throttle.io_service_bytes'))),
  ]
  if (cpuNs === undefined || used === undefined || stat === undefined) return undefined
  const memoryBytes = heldBytes(used, parseStat(stat, 'total_inactive_file') ?? 0)
  return { cpuMs: cpuNs / 1e6, memoryBytes, ...(disk ? diskOf(parseServiceBytes(disk)) : {}) }
}

async function readSecond(
  place: CgroupPlace & { readonly version: 2 },
  root: string,
): Promise<Core | undefined> {
  const folder = join(root, place.path)
  const [cpuUs, used, stat, disk] = [
    parseStat((await text(join(folder, 'cpu.stat'))) ?? '', 'usage_usec'),
    parseNumber((await text(join(folder, 'memory.current'))) ?? ''),
    await text(join(folder, 'memory.stat')),
    await text(join(folder, 'io.stat')),
  ]
  if (cpuUs === undefined || used === undefined || stat === undefined) return undefined
  const memoryBytes = heldBytes(used, parseStat(stat, 'inactive_file') ?? 0)
  const bytes = disk === undefined ? {} : diskOf(parseIoStat(disk))
  return { cpuMs: cpuUs / 1_000, memoryBytes, ...bytes }
}

function diskOf({ read, write }: DiskBytes): Pick<UsageSample, 'diskReadBytes' | 'diskWriteBytes'> {
  return { diskReadBytes: read, diskWriteBytes: write }
}

function networkOf(dev: string): Pick<UsageSample, 'networkInBytes' | 'networkOutBytes'> {
  const { in: networkInBytes, out: networkOutBytes } = parseNetwork(dev)
  return { networkInBytes, networkOutBytes }
}

/** What cannot be read is not there for us: the engine is asked instead. */
async function text(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error) return undefined
    throw error
  }
}
