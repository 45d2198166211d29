/** Processes of this machine, told apart for ever by their number, their start and the boot. */
import { readdirSync, readFileSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks after the boot: field 22 of `/proc/PID/stat`. */
  readonly startedTicks: number
  readonly bootId: string
}

interface Row {
  readonly pid: number
  readonly session: number
  readonly startedTicks: number
  readonly ended: boolean
}

/** Undefined when there is no such process, or only its zombie. */
export function identify(pid: number): ProcessIdentity | undefined {
  const row = read(pid)
  if (row === undefined || row.ended) return undefined
  return { pid, startedTicks: row.startedTicks, bootId: bootId() }
}

export function isAlive(known: ProcessIdentity): boolean {
  const now = identify(known.pid)
  return now?.startedTicks === known.startedTicks && now.bootId === known.bootId
}

/** Signals exactly that process; never one that got its number afterwards. */
export function signal(known: ProcessIdentity, name: NodeJS.Signals): void {
  if (isAlive(known)) kill(known.pid, name)
}

/** Everything in the sessions that these processes founded, whether they still live or not. */
export function sessionMembers(founders: ReadonlySet<number>): readonly ProcessIdentity[] {
  const boot = bootId()
  return pids()
    .flatMap((pid) => read(pid) ?? [])
    .filter((row) => founders.has(row.session) && !row.ended)
    .map(({ pid, startedTicks }) => ({ pid, startedTicks, bootId: boot }))
}

/** The processes whose environment holds all of these lines. */
export function withEnvironment(lines: readonly string[]): readonly ProcessIdentity[] {
  return pids().flatMap((pid) => {
    const held = new Set(readVanishing(`/proc/${pid}/environ`)?.split('\0'))
    return lines.every((line) => held.has(line)) ? (identify(pid) ?? []) : []
  })
}

function read(pid: number): Row | undefined {
  const stat = readVanishing(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The name may hold blanks and parentheses: the fields start after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [session, startedTicks] = [Number(fields[3]), Number(fields[19])]
  return { pid, session, startedTicks, ended: 'ZXx'.includes(fields[0] ?? 'X') }
}

function pids(): readonly number[] {
  return readdirSync('/proc').map(Number).filter(Number.isInteger)
}

function bootId(): string {
  return readVanishing('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
}

function kill(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function readVanishing(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes(codeOf(error))) return undefined
    throw error
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
