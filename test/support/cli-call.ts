/** One call of the command line with its outputs apart, while it goes on. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { ROOT } from './program.ts'

export interface CliCall {
  readonly out: () => string
  readonly err: () => string
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>
  type(text: string): void
  endInput(): void
  interrupt(): void
  kill(): void
}

export interface CliPlace {
  /** Stands before the program: where it runs. */
  readonly prefix: readonly string[]
  /** Around the command line itself, in that place. */
  readonly around?: readonly string[]
}

export function callCli(
  cluster: Pick<Cluster, 'masterUrl'>,
  { prefix, around = [] }: CliPlace,
  words: readonly string[],
): CliCall {
  const program = [process.execPath, join(ROOT, 'dist/master/main.js')]
  const [command = '', ...argv] = [...prefix, ...around, ...program, ...words]
  const env = { PATH: process.env.PATH, ORCHESTRIFY_MASTER: cluster.masterUrl }
  const child = spawn(command, argv, { env })
  const seen = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    seen.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    seen.err += chunk
  })
  // It may have ended before it read all of it.
  child.stdin.on('error', () => undefined)
  return {
    out: () => seen.out,
    err: () => seen.err,
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(code ?? signal))
    }),
    type: (text) => child.stdin.write(text),
    endInput: () => child.stdin.end(),
    interrupt: () => child.kill('SIGINT'),
    kill: () => child.kill('SIGKILL'),
  }
}
