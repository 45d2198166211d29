/** The files of a store: `state-<generation>.db`, of which the highest generation counts. */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join } from 'node:path'

const STATE = /^state-(\d{1,9})\.db$/

/** What SQLite keeps beside a database. */
const COMPANIONS = ['-wal', '-shm', '-journal'] as const

export function createDirectory(directory: string): void {
  if (existsSync(directory)) return
  const first = mkdirSync(directory, { recursive: true, mode: 0o700 })
  if (first !== undefined) syncDirectory(dirname(first))
}

/** For its owner only; an existing file is left alone, and never even opened: closing it would
 * release the locks that this process holds on it. */
export function createPrivate(path: string): void {
  if (existsSync(path)) return
  closeSync(openSync(path, 'wx', 0o600))
  syncDirectory(dirname(path))
}

/** Makes the names in a directory durable: syncing a file does not. */
export function syncDirectory(directory: string): void {
  const opened = openSync(directory, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}

export function newestGeneration(directory: string): number | undefined {
  return generations(directory).at(-1)
}

function generations(directory: string): number[] {
  return readdirSync(directory)
    .map((name) => Number(STATE.exec(name)?.[1]))
    .filter((generation) => generation > 0)
    .sort((a, b) => a - b)
}

export function statePath(directory: string, generation: number): string {
  return join(directory, `state-${generation}.db`)
}

/** Where the next generation is built before it is renamed into place. */
export function buildPath(directory: string): string {
  return join(directory, 'state-next.tmp')
}

export function damagedName(generation: number): string {
  return `damaged-${generation}.db`
}

export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

export function removeDatabase(path: string): void {
  for (const companion of ['', ...COMPANIONS]) rmSync(`${path}${companion}`, { force: true })
}

/** Older generations are kept as evidence, under names that nobody opens. */
export function setAside(directory: string, newest: number): void {
  for (const generation of generations(directory)) {
    if (generation === newest) continue
    for (const companion of ['', ...COMPANIONS]) {
      const from = `${statePath(directory, generation)}${companion}`
      const to = join(directory, `${damagedName(generation)}${companion}`)
      if (existsSync(from)) renameSync(from, to)
    }
  }
}
