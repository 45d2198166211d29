import { spawn } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { dirname } from 'node:path'
import type { Clock } from '../../../shared/clock.ts'
import type { ChildPlan } from './plan.ts'
import { identify, type ProcessIdentity } from './processes.ts'

const BACKOFF_MS = 500
const BACKOFF_MAX_MS = 10_000
/** A child that lived for so long has not failed to start. */
const STABLE_MS = 30_000
const LOG_BYTES_MAX = 20_000_000

export interface Exit {
  readonly code: number | undefined
  /** `exited with code 1`, `was ended by SIGKILL` */
  readonly reason: string
}

export interface ChildWatch {
  started(process: ProcessIdentity | undefined): void
  /** `waitMs` is undefined when it stays ended. */
  ended(exit: Exit, waitMs: number | undefined): void
}

/** Runs the program and starts it again when it crashes, until the signal aborts. */
export async function keepRunning(
  plan: ChildPlan,
  watch: ChildWatch,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    const startedMs = clock.nowMs()
    const exit = await runOnce(plan, watch)
    if (signal.aborted) return
    // A worker whose node was removed on purpose ends with 0: it must not come back.
    const isDone = plan.role === 'worker' && exit.code === 0
    failures = clock.nowMs() - startedMs > STABLE_MS ? 0 : failures + 1
    const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MS * 2 ** Math.max(0, failures - 1))
    watch.ended(exit, isDone ? undefined : waitMs)
    if (isDone) return
    await clock.sleep(waitMs, signal)
  }
}

function runOnce(plan: ChildPlan, watch: ChildWatch): Promise<Exit> {
  const log = openLog(plan.log)
  // Of its own group: Ctrl-C reaches only us, and we end the programs in order.
  const child = spawn(process.execPath, [...plan.argv], {
    detached: true,
    stdio: ['ignore', log, log],
    env: environment(),
  })
  closeSync(log)
  watch.started(child.pid === undefined ? undefined : identify(child.pid))
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: undefined, reason: error.message }))
    child.on('exit', (code, name) => {
      const reason = code === null ? `was ended by ${name}` : `exited with code ${code}`
      resolve({ code: code ?? undefined, reason })
    })
  })
}

/** The caller's own master and token are for the command line, not for these programs. */
function environment(): NodeJS.ProcessEnv {
  const { ORCHESTRIFY_MASTER: _master, ORCHESTRIFY_TOKEN: _token, ...others } = process.env
  return others
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return openSync(path, 'a', 0o600)
}

/** Keeps the last stretch when a log has grown too long; the programs write on to the same file. */
export function boundLog(path: string, bytesMax = LOG_BYTES_MAX): void {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) <= bytesMax) return
  copyFileSync(path, `${path}.1`)
  truncateSync(path)
}

const TAIL_BYTES = 16_384

/** The last thing that a program said: why it ended, most likely. */
export function lastWords(path: string): string | undefined {
  const lines = tailOf(path).trimEnd().split('\n')
  // Of a stack only the line with the error is for people.
  const crash = lines.findLast((line) => /^(Uncaught )?\w*Error\b.*: /.test(line))
  const line = crash ?? lines.at(-1) ?? ''
  return messageOf(line) ?? (line === '' ? undefined : line)
}

/** The programs log one JSON object per line; everything else is shown as it stands. */
function messageOf(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line)
    const found = typeof entry === 'object' && entry !== null && 'message' in entry
    return found ? String(entry.message) : undefined
  } catch {
    return undefined
  }
}

function tailOf(path: string): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  const file = size === 0 ? undefined : openSync(path, 'r')
  if (file === undefined) return ''
  try {
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES))
    const read = readSync(file, bytes, 0, bytes.length, size - bytes.length)
    return bytes.toString('utf8', 0, read)
  } finally {
    closeSync(file)
  }
}
