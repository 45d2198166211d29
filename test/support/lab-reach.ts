/** A way from the test process, which stays outside, to addresses inside a lab. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { ROOT } from './program.ts'

const BRIDGE = join(ROOT, 'test/support/lab-bridge.mjs')

/** What became of an attempt to connect. */
export type Reached = 'open' | 'refused' | 'unreachable' | 'timeout'

export class LabReach {
  readonly #dir: string
  readonly #bridge: ChildProcess
  readonly #waiting = new Map<number, (outcome: string) => void>()
  readonly #sockets = new Map<string, Promise<string>>()
  #asked = 0

  constructor(labDir: string, prefix: readonly string[]) {
    this.#dir = join(labDir, 'reach')
    mkdirSync(this.#dir)
    const [command = '', ...rest] = [...prefix, process.execPath, BRIDGE]
    this.#bridge = spawn(command, rest, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.#bridge.stdout !== null) {
      createInterface({ input: this.#bridge.stdout }).on('line', (line) => this.#hear(line))
    }
    this.#bridge.on('exit', () => {
      for (const hear of this.#waiting.values()) hear('the bridge into the lab ended')
    })
    this.#bridge.stdin?.on('error', () => this.#bridge.kill('SIGKILL'))
  }

  async reach(address: string, port: number): Promise<{ socketPath: string }> {
    const target = `${address}:${port}`
    const known = this.#sockets.get(target) ?? this.#listen(address, port)
    this.#sockets.set(target, known)
    return { socketPath: await known }
  }

  async probe(address: string, port: number, timeoutMs: number): Promise<Reached> {
    const outcome = await this.#ask({ kind: 'probe', address, port, timeoutMs })
    if (isReached(outcome)) return outcome
    throw new Error(`Cannot connect to ${address}:${port}: ${outcome}`)
  }

  async close(): Promise<void> {
    if (this.#bridge.exitCode !== null || this.#bridge.signalCode !== null) return
    const ended = new Promise((resolve) => this.#bridge.once('exit', resolve))
    this.#bridge.stdin?.end()
    await ended
  }

  async #listen(address: string, port: number): Promise<string> {
    const path = join(this.#dir, `${address}:${port}`)
    const outcome = await this.#ask({ kind: 'reach', address, port, path })
    if (outcome === 'open') return path
    throw new Error(`Cannot make a way to ${address}:${port}: ${outcome}`)
  }

  #ask(question: Readonly<Record<string, unknown>>): Promise<string> {
    this.#asked += 1
    const id = this.#asked
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#bridge.stdin?.write(`${JSON.stringify({ id, ...question })}\n`)
    })
  }

  #hear(line: string): void {
    const { id, outcome } = JSON.parse(line) as { id: number; outcome: string }
    this.#waiting.get(id)?.(outcome)
    this.#waiting.delete(id)
  }
}

function isReached(outcome: string): outcome is Reached {
  return ['open', 'refused', 'unreachable', 'timeout'].includes(outcome)
}
