/** Where a bench runs: a temporary folder, and programs that end with it, each by its id. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, systemClock } from '../../../shared/clock.ts'
import { ROOT } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { catchesInterrupts, treeOf } from '../process-tree.ts'

export interface SpawnOptions {
  /** The processor it is bound to; any without it. */
  readonly cpu?: number | undefined
  readonly env?: Readonly<Record<string, string>>
}

export interface RunOptions extends SpawnOptions {
  /** Asks it by SIGINT to end and tell what it saw. */
  readonly interruptAfterMs?: number
  readonly timeoutMs?: number
}

export interface Running {
  readonly pid: number
  readonly isRunning: boolean
  /** The last of what it printed. */
  readonly output: string
}

const OUTPUT_MAX = 65_536
const RUN_TIMEOUT_MS = 120_000
const END_TIMEOUT_MS = 5_000
const INTERRUPT_POLL_MS = 20
const PEERS = join(ROOT, 'test/bench/peers')
const PATH = `${process.env.PATH}:/usr/sbin`

/** Runs the task on a stand that is cleared away afterwards, also on Ctrl-C. */
export async function onStand<T>(task: (stand: Stand) => Promise<T>): Promise<T> {
  const stand = new Stand()
  const interrupted = (signal: NodeJS.Signals): void => {
    stand.close().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  process.once('SIGINT', interrupted)
  process.once('SIGTERM', interrupted)
  try {
    return await task(stand)
  } finally {
    process.off('SIGINT', interrupted)
    process.off('SIGTERM', interrupted)
    await stand.close()
  }
}

export class Stand {
  readonly dir = mkdtempSync(join(tmpdir(), 'orchestrify-bench-'))
  readonly #programs = new Map<number, ChildProcess>()
  readonly #output = new Map<number, string>()
  #folders = 0
  #closing: Promise<void> | undefined

  constructor() {
    // The workers of some peers run as another user.
    chmodSync(this.dir, 0o755)
  }

  folder(name: string): string {
    this.#folders += 1
    const path = join(this.dir, `${name}-${this.#folders}`)
    mkdirSync(path)
    return path
  }

  /** Compiles one of the programs beside the peers. */
  async compile(name: string): Promise<string> {
    const file = join(this.dir, name)
    const source = join(PEERS, `${name}.c`)
    await this.run(['gcc', '-O2', '-o', file, source, '-lm'])
    return file
  }

  start(argv: readonly string[], options: SpawnOptions = {}): Running {
    const child = this.#spawn(argv, options)
    const { pid = 0 } = child
    const output = this.#output
    return {
      pid,
      get isRunning() {
        return isRunning(child)
      },
      get output() {
        return output.get(pid) ?? ''
      },
    }
  }

  /** Runs it to its end; answers its standard output, rejects with its last words. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<string> {
    const child = this.#spawn(argv, options)
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    const stopAsking = interruptLater(child, options.interruptAfterMs)
    const stopKilling = after(options.timeoutMs ?? RUN_TIMEOUT_MS, () => child.kill('SIGKILL'))
    const code = await new Promise((resolve) => child.once('close', resolve))
    stopAsking()
    stopKilling()
    const said = this.#output.get(child.pid ?? 0) ?? ''
    this.#forget(child)
    if (code !== 0)
      throw new Error(`Cannot run ${argv[0]}: ${lastWords(said) ?? `it ended: ${code}`}`)
    return Buffer.concat(chunks).toString('utf8')
  }

  /** Ends it and all that it started. */
  async end({ pid }: Running): Promise<void> {
    const child = this.#programs.get(pid)
    if (child === undefined) return
    await ended(child)
    this.#forget(child)
  }

  close(): Promise<void> {
    this.#closing ??= this.#clear()
    return this.#closing
  }

  async #clear(): Promise<void> {
    try {
      await Promise.all([...this.#programs.values()].map((child) => ended(child)))
    } finally {
      rmSync(this.dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
    }
  }

  #spawn(argv: readonly string[], { cpu, env }: SpawnOptions): ChildProcess {
    if (this.#closing !== undefined) throw new Error('Cannot start anything: the bench is ending')
    const line = cpu === undefined ? argv : ['taskset', '-c', String(cpu), ...argv]
    const [command = '', ...rest] = line
    const child = spawn(command, rest, {
      cwd: this.dir,
      env: { PATH, HOME: this.dir, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const { pid = 0 } = child
    const keep = (chunk: Buffer): void => {
      const text = (this.#output.get(pid) ?? '') + chunk.toString('utf8')
      this.#output.set(pid, text.slice(-OUTPUT_MAX))
    }
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.once('error', (error) => this.#output.set(pid, error.message))
    if (pid !== 0) this.#programs.set(pid, child)
    return child
  }

  #forget({ pid = 0 }: ChildProcess): void {
    this.#programs.delete(pid)
    this.#output.delete(pid)
  }
}

/** What it said of its end, without where in its code it was. */
export function lastWords(said: string): string | undefined {
  const isTrace = (line: string): boolean => /^\s*at |^Node\.js v/.test(line)
  const lines = said.split('\n').filter((line) => line.trim() !== '' && !isTrace(line))
  return lines.at(-1)?.trim()
}

/** Parents go first, so that none of them starts a child anew. */
async function ended(child: ChildProcess): Promise<void> {
  const { pid = 0 } = child
  if (pid === 0) return
  const tree = treeOf(pid)
  for (const process of isRunning(child) ? tree : tree.slice(1)) kill(process)
  const isGone = (): boolean => !isRunning(child)
  await until(isGone, { timeoutMs: END_TIMEOUT_MS, everyMs: 10 })
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

/** A program that does not listen for it yet would be ended by it instead. */
function interruptLater(child: ChildProcess, ms: number | undefined): () => void {
  if (ms === undefined) return () => undefined
  const waiting = new AbortController()
  const interrupt = async (): Promise<void> => {
    await systemClock.sleep(ms, waiting.signal)
    while (!waiting.signal.aborted && !catchesInterrupts(child.pid ?? 0)) {
      await systemClock.sleep(INTERRUPT_POLL_MS, waiting.signal)
    }
    if (!waiting.signal.aborted) child.kill('SIGINT')
  }
  interrupt().catch(() => child.kill('SIGKILL'))
  return () => waiting.abort()
}
