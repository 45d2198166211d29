/** A real program of the product as a child process, with what it printed. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository, whether this file runs as a source or compiled. */
export const ROOT = rootOf(fileURLToPath(import.meta.url))

function rootOf(path: string): string {
  return existsSync(join(path, 'tsconfig.json')) ? path : rootOf(dirname(path))
}

export class Program {
  readonly child: ChildProcess
  output = ''
  readonly #ended: Promise<number | NodeJS.Signals>

  constructor(
    name: 'master' | 'worker' | 'proxy',
    argv: readonly string[],
    options: RunOptions = {},
  ) {
    const file = join(ROOT, 'dist', name, 'main.js')
    const line = [...(options.prefix ?? []), options.node ?? process.execPath, file, ...argv]
    const [command = '', ...rest] = line
    this.child = spawn(command, rest, {
      cwd: options.cwd ?? ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString('utf8')
    }
    this.child.stdout?.on('data', keep)
    this.child.stderr?.on('data', keep)
    this.#ended = new Promise((resolve) => {
      this.child.on('exit', (code, signal) => resolve(code ?? signal ?? 0))
    })
  }

  get pid(): number {
    return this.child.pid ?? 0
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** Sends the signal and waits for the end: an exit code, or the signal that ended it. */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals> {
    if (this.isRunning) this.child.kill(signal)
    return this.#ended
  }

  ended(): Promise<number | NodeJS.Signals> {
    return this.#ended
  }
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly node?: string
  /** Stands before the program on its command line, e.g. to run it in another network. */
  readonly prefix?: readonly string[]
}

/** Runs it to its end and answers the code and the output. */
export async function run(
  name: 'master' | 'worker' | 'proxy',
  argv: readonly string[],
  options: RunOptions = {},
): Promise<{ code: number | NodeJS.Signals; output: string }> {
  const program = new Program(name, argv, options)
  const code = await program.ended()
  return { code, output: program.output }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
