/** Reads Linux's own table of processes. */
import { readdir, readFile } from 'node:fs/promises'
import type { ProcessIdentity } from '../../shapes.ts'
import { isErrno } from './errno.ts'

export interface ProcessRow {
  readonly pid: number
  /** The process group and the session, each named by the process that founded it. */
  readonly group: number
  readonly session: number
  readonly startedTicks: number
  readonly cpuTicks: number
  readonly memoryPages: number
  /** A zombie: it has ended and only waits to be noticed. */
  readonly ended: boolean
}

/** Linux reports times in hundredths of a second to every program, whatever the kernel's own. */
export const TICKS_PER_SECOND = 100

/** Parses the one line of `/proc/PID/stat`. */
export function parseProcessRow(stat: string): ProcessRow | undefined {
  // The name may hold anything, also blanks and parentheses: the fields start after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const number = (at: number): number => Number(fields[at - 3])
  const row = {
    pid: Number.parseInt(stat, 10),
    group: number(5),
    session: number(6),
    startedTicks: number(22),
    cpuTicks: number(14) + number(15),
    memoryPages: number(24),
    ended: 'ZXx'.includes(fields[0] ?? 'X'),
  }
  return Object.values(row).every((value) => !Number.isNaN(value)) ? row : undefined
}

/** Undefined when there is no such process (any more). */
export async function readProcess(pid: number): Promise<ProcessRow | undefined> {
  const stat = await readVanishing(`/proc/${pid}/stat`)
  return stat === undefined ? undefined : parseProcessRow(stat)
}

export async function listProcesses(): Promise<readonly ProcessRow[]> {
  const rows = await Promise.all((await listPids()).map(readProcess))
  return rows.filter((row) => row !== undefined)
}

/** How many bytes a memory page has here: what we use ourselves is known in both units. */
export async function pageBytes(): Promise<number> {
  const pages = (await readProcess(process.pid))?.memoryPages ?? 0
  if (pages === 0) return 4_096
  return 2 ** Math.round(Math.log2(process.memoryUsage.rss() / pages))
}

/** What names a living process for ever, so that a number that was given again is noticed. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const row = await readProcess(pid)
  if (row === undefined || row.ended) return undefined
  return { pid, startedTicks: row.startedTicks, bootId: await bootId() }
}

export async function isAlive(known: ProcessIdentity): Promise<boolean> {
  const now = await identify(known.pid)
  return now?.startedTicks === known.startedTicks && now.bootId === known.bootId
}

/** The founder of a session that was started in this folder with this variable. */
export async function findFounder(
  folder: string,
  variable: string,
): Promise<ProcessIdentity | undefined> {
  const founders = (await listProcesses()).filter((row) => row.session === row.pid && !row.ended)
  for (const { pid } of founders) {
    const variables = (await readVanishing(`/proc/${pid}/environ`))?.split('\0') ?? []
    if (variables.includes(variable) && variables.includes(`PWD=${folder}`)) return identify(pid)
  }
  return undefined
}

async function listPids(): Promise<number[]> {
  return (await readdir('/proc')).map(Number).filter(Number.isInteger)
}

/** Numbers of processes mean nothing after the next boot. */
export async function bootId(): Promise<string> {
  return (await readVanishing('/proc/sys/kernel/random/boot_id'))?.trim() ?? ''
}

/** A process may end between being listed and being read, and others' secrets are not ours. */
async function readVanishing(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'latin1')
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return undefined
    throw error
  }
}
