/** Holds a lab: it ends with this process, however this process ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { until } from './until.ts'

const STOP_MAX_MS = 30_000

export class LabKeeper {
  readonly dir: string
  readonly #child: ChildProcess
  readonly #said: () => string

  private constructor(child: ChildProcess, dir: string, said: () => string) {
    this.#child = child
    this.dir = dir
    this.#said = said
  }

  static async start(hostsSh: string): Promise<LabKeeper> {
    // In a session of its own: a Ctrl-C would end it before it has cleaned up.
    const child = spawn('bash', [hostsSh, 'keep'], { stdio: 'pipe', detached: true })
    let [printed, said] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString('utf8')
    })
    await until(() => child.exitCode !== null || printed.endsWith('\n'))
    if (child.exitCode !== null) throw new Error(`Cannot make a lab: ${said}`)
    return new LabKeeper(child, printed.trim(), () => said)
  }

  /** Also of its control groups. */
  get name(): string {
    return basename(this.dir)
  }

  async stop(): Promise<void> {
    this.#child.stdin?.end()
    const hasEnded = (): boolean => this.#child.exitCode !== null || this.#child.signalCode !== null
    await until(hasEnded, { timeoutMs: STOP_MAX_MS })
    if (existsSync(this.dir)) throw new Error(`The lab left ${this.dir}: ${this.#said()}`)
  }
}
