/** Reads what Linux says of one container, in both versions of control groups. */

/** Where the files of one container lie below the control groups' mount. */
export type CgroupPlace =
  | { readonly version: 1; readonly cpu: string; readonly memory: string; readonly disk?: string }
  | { readonly version: 2; readonly path: string }

export interface DiskBytes {
  readonly read: number
  readonly write: number
}

const CONTAINER_ID = /^[0-9a-f]{64}$/

/**
 * Parses `/proc/<pid>/cgroup`. Undefined when it is not that container's: in another namespace a
 * process id means another process.
 */
export function cgroupPlace(text: string, container: string): CgroupPlace | undefined {
  if (!CONTAINER_ID.test(container)) return undefined
  const paths = new Map<string, string>()
  for (const [, controllers = '', path = ''] of text.matchAll(/^\d+:([^:\n]*):(\/.*)$/gm)) {
    if (!isOf(path, container)) continue
    for (const controller of controllers.split(',')) paths.set(controller, path)
  }
  const [cpu, memory, disk] = ['cpuacct', 'memory', 'blkio'].map((name) => paths.get(name))
  if (cpu !== undefined && memory !== undefined) {
    return { version: 1, cpu, memory, ...(disk === undefined ? {} : { disk }) }
  }
  // A machine with both keeps its controllers in the first version.
  const path = paths.get('')
  return path === undefined ? undefined : { version: 2, path }
}

/** One number and nothing else, as in `cpuacct.usage` or `memory.current`. */
export function parseNumber(text: string): number | undefined {
  return /^\d+\s*$/.test(text) ? Number(text) : undefined
}

/** One line of `cpu.stat` or `memory.stat`. */
export function parseStat(text: string, name: string): number | undefined {
  const found = new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}

/** Parses `blkio.throttle.io_service_bytes` (version 1), summed over the devices. */
export function parseServiceBytes(text: string): DiskBytes {
  return {
    read: sum(text.matchAll(/^\d+:\d+ Read (\d+)$/gm)),
    write: sum(text.matchAll(/^\d+:\d+ Write (\d+)$/gm)),
  }
}

/** Parses `io.stat` (version 2), summed over the devices. */
export function parseIoStat(text: string): DiskBytes {
  return {
    read: sum(text.matchAll(/ rbytes=(\d+)/g)),
    write: sum(text.matchAll(/ wbytes=(\d+)/g)),
  }
}

/** What programs hold: the cache of files that nobody uses now can be taken back at any time. */
export function heldBytes(used: number, inactiveFile: number): number {
  return Math.max(0, used - inactiveFile)
}

function isOf(path: string, container: string): boolean {
  return path.includes(container) && !path.split('/').includes('..')
}

function sum(found: Iterable<RegExpExecArray>): number {
  let total = 0
  for (const [, number] of found) total += Number(number)
  return total
}
