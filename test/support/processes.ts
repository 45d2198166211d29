/** Processes of this machine, as the system tells of them. */
import { readFileSync } from 'node:fs'
import { until } from './until.ts'

/** What a process started and what still is its own, the oldest first. */
export function childrenOf(pid: number): readonly number[] {
  const text = readIfThere(`/proc/${pid}/task/${pid}/children`)
  return text.split(' ').filter(Boolean).map(Number)
}

export function isAlive(pid: number): boolean {
  const state = /\) (\w)/.exec(readIfThere(`/proc/${pid}/stat`))?.[1]
  return state !== undefined && state !== 'Z' && state !== 'X'
}

/** Ends them at once, and waits until they have ended. */
export async function killAll(pids: readonly number[]): Promise<void> {
  for (const pid of pids) if (isAlive(pid)) tryKill(pid)
  await until(() => !pids.some(isAlive))
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended in between.
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    // The process has ended.
    return ''
  }
}
