import { spawn } from 'node:child_process'
import { after, type Clock } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { ExecResult } from '../driver.ts'
import { killSession } from './session.ts'
import type { Launch } from './spawn.ts'

/** Of what a health command prints, only this much is of interest. */
const OUTPUT_BYTES_MAX = 4_096
const TIMED_OUT = 124
const NOT_STARTED = 127

/** Runs one command to its end, or ends it with all it started when the time is over. */
export function runCommand(launch: Launch, timeoutMs: number, clock: Clock): Promise<ExecResult> {
  const [program = '', ...parameters] = launch.command
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, {
      cwd: launch.folder,
      env: launch.environment,
      detached: true,
      shell: false,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output = `${output}${chunk.toString('utf8')}`.slice(0, OUTPUT_BYTES_MAX)
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    const expired = after(timeoutMs, () => {
      if (child.pid !== undefined) killSession(child.pid, clock).catch(reject)
      resolve({ code: TIMED_OUT, output: `took longer than ${timeoutMs} ms` })
    })
    child.once('error', (error) => {
      expired()
      resolve({ code: NOT_STARTED, output: sentenceOf(error) })
    })
    // Not `close`: something that it left behind may hold its output open for ever.
    child.once('exit', (code) => {
      expired()
      resolve({ code: code ?? 1, output: output.trim() })
    })
  })
}
