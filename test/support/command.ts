/** Runs another program to its end. */
import { execFile } from 'node:child_process'

/** How long a program may take unless told otherwise. */
const TIMEOUT_MS = 60_000
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMs?: number
}

/** Its standard output; rejects with what it said on standard error. */
export function output(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const [command = '', ...rest] = argv
  const settings = {
    env: { ...process.env, ...options.env },
    timeout: options.timeoutMs ?? TIMEOUT_MS,
    killSignal: 'SIGKILL',
    maxBuffer: OUTPUT_MAX_BYTES,
  } as const
  return new Promise((resolve, reject) => {
    execFile(command, rest, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout)
      const said = stderr.trim() === '' ? error.message : stderr.trim()
      reject(new Error(said, { cause: error }))
    })
  })
}
