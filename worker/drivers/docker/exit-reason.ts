/** Why a container ended, as one sentence. Pure but for the names of signals. */
import { constants } from 'node:os'
import type { State } from './inspected.ts'
import { oneLine } from './one-line.ts'
import { shortened } from './start-failure.ts'

export interface Circumstances {
  readonly memoryBytes: number
  /** What it printed last. */
  readonly lastLine?: string | undefined
  /** It ended while the engine was away. */
  readonly isOutage: boolean
}

const BYTES_PER_MB = 1_048_576
/** By this code a program is told apart that a signal has ended. */
const SIGNAL_CODE = 128

type Ended = Pick<State, 'Status' | 'ExitCode' | 'OOMKilled' | 'Error'>

export function exitReason(state: Ended, around: Circumstances): string {
  if (state.Status === 'created') return neverStarted(state)
  if (state.OOMKilled && state.ExitCode !== 0) {
    return `ran out of memory (limit ${Math.round(around.memoryBytes / BYTES_PER_MB)} MB)`
  }
  if (around.isOutage) return 'ended as the Docker Engine stopped'
  return codeReason(state.ExitCode, around.lastLine)
}

/** Of what little is left when nobody can be asked any more. */
export function codeReason(code: number, lastLine?: string): string {
  const signal = signalOf(code)
  if (signal !== undefined) return `killed by ${signal}`
  const line = plain(oneLine(lastLine ?? ''))
  return `exited with code ${code}${code === 0 || line === '' ? '' : `: ${line}`}`
}

/** Whether what it printed last belongs into the reason. */
export function isTelling({ ExitCode, OOMKilled }: Ended): boolean {
  return !OOMKilled && ExitCode !== 0 && signalOf(ExitCode) === undefined
}

function neverStarted({ Error: error }: Ended): string {
  return error === '' ? 'was never started' : `was never started: ${shortened(error)}`
}

/** The small first process says in its own way that there is no such program. */
function plain(line: string): string {
  const [, program] = /^\[FATAL tini \(\d+\)\] exec (.+) failed: No such file/.exec(line) ?? []
  return program === undefined ? line : `its image has no program "${program}"`
}

function signalOf(code: number): string | undefined {
  const found = Object.entries(constants.signals).find(
    ([, number]) => number === code - SIGNAL_CODE,
  )
  return found?.[0]
}
