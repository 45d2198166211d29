import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type ProgramName = 'master' | 'worker' | 'proxy'

const here = fileURLToPath(import.meta.url)
const above = join(dirname(here), '..', '..')

/** The folder of the compiled programs. The sources cannot run by themselves on every Node. */
const built = here.endsWith('.ts') ? join(above, 'dist') : above

export function programPath(name: ProgramName): string {
  return join(built, name, 'main.js')
}

export function examplePath(name: string): string {
  return join(built, 'examples', `${name}.js`)
}

/** Runs another program in the place of this one: its terminal, its signals, its exit code. */
export function runProgram(name: ProgramName, argv: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [programPath(name), ...argv], { stdio: 'inherit' })
  const forward = (signal: NodeJS.Signals): void => void child.kill(signal)
  const forwarded: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
  for (const signal of forwarded) process.on(signal, forward)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      for (const name of forwarded) process.off(name, forward)
      resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]))
    })
  })
}
