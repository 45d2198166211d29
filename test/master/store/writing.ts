/** Runs the writer, alone or under strace, and reads what it left behind. */
import { type ChildProcess, spawn } from 'node:child_process'
import { expect } from 'vitest'
import { openEmbeddedStore } from '../../../master/store/embedded/embedded.ts'
import type { Recovery } from '../../../master/store/embedded/messages.ts'
import type { Head } from '../../../master/store/store.ts'
import { writtenChange } from './changes.ts'
import type { Compiled } from './compiled.ts'

export interface Run {
  readonly directory: string
  readonly count: number
  readonly inFlight?: number
  /** Arguments for strace; without them the writer runs alone. */
  readonly strace?: readonly string[]
  /** Called with each line as it comes. */
  readonly onLine?: (line: string, child: ChildProcess) => void
}

export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly lines: readonly string[]
  /** The last acknowledged revision, 0 for none. */
  readonly acknowledged: number
}

export function runWriter(compiled: Compiled, run: Run): Promise<Ran> {
  const node = [compiled.writer, run.directory, `${run.count}`, `${run.inFlight ?? 1}`]
  const traced = run.strace === undefined ? [] : [...run.strace, process.execPath]
  const program = run.strace === undefined ? process.execPath : 'strace'
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...traced, ...node], { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    child.stdout.on('data', (data: Buffer) => {
      text += data.toString('latin1')
      for (const line of data.toString('latin1').split('\n')) run.onLine?.(line, child)
    })
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, ...reportOf(text) }))
  })
}

function reportOf(text: string): Pick<Ran, 'lines' | 'acknowledged'> {
  // The last line may have been cut by a kill; what was not printed whole was not acknowledged.
  const lines = text.split('\n').slice(0, -1)
  const revisions = lines.map((line) => Number(/^acknowledged (\d+)$/.exec(line)?.[1] ?? 0))
  return { lines, acknowledged: revisions.reduce((a, b) => Math.max(a, b), 0) }
}

export interface Found {
  readonly head: Head
  readonly recovery: Recovery | undefined
}

const READ_ENTRIES = 1_000

/** Opens the log, and expects every entry of it to be the one that was written there. */
export async function findLog(compiled: Compiled, directory: string): Promise<Found> {
  const store = await openEmbeddedStore(directory, { thread: compiled.thread })
  try {
    const head = await store.head()
    for (let from = head.oldest; from < head.revision; from += READ_ENTRIES) {
      for (const { revision, change } of await store.readFrom(from, READ_ENTRIES)) {
        expect(change).toEqual(writtenChange(revision))
      }
    }
    return { head, recovery: store.recovery }
  } finally {
    await store.close()
  }
}

/** Runs the task for every item, so many at a time. */
export async function forEach<T>(
  items: readonly T[],
  atOnce: number,
  task: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items]
  const lane = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await task(next)
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
}
