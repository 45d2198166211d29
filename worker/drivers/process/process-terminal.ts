/** A command inside a replica for somebody who watches: a child with pipes, in a session of its own. */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'
import { after, type Clock } from '../../../shared/clock.ts'
import { RequestError, sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { ExecOutput, ExecSession } from '../driver.ts'
import { killSession } from './session.ts'
import type { Launch } from './spawn.ts'

/** So much output may wait for the one who watches. */
const WAITING_BYTES_MAX = 65_536
/** Something that the command left behind may hold its output open for ever. */
const LINGER_MS = 1_000
const NOT_STARTED = 127
const SIGNAL_BASE = 128

export interface SessionParts {
  readonly clock: Clock
  readonly log: Log
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

/** Rejects with one sentence when there is no such program. */
export async function openSession(launch: Launch, parts: SessionParts): Promise<ProcessSession> {
  const [program = '', ...parameters] = launch.command
  const child = spawn(program, parameters, {
    cwd: launch.folder,
    env: launch.environment,
    detached: true,
    shell: false,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  try {
    await once(child, 'spawn')
  } catch (error) {
    const message = `Cannot run "${program}": ${sentenceOf(error)}`
    throw new RequestError(422, 'NOT_STARTED', message)
  }
  return new ProcessSession(child, parts)
}

export class ProcessSession implements ExecSession {
  readonly #child: Child
  readonly #parts: SessionParts
  #queue: ExecOutput[] = []
  #queuedBytes = 0
  #open = 2
  #wake: (() => void) | undefined
  #settle: ((code: number) => void) | undefined
  #isClosed = false
  readonly exited: Promise<number>

  constructor(child: Child, parts: SessionParts) {
    this.#child = child
    this.#parts = parts
    this.exited = new Promise((resolve) => {
      this.#settle = resolve
    })
    for (const stream of ['stdout', 'stderr'] as const) this.#collect(stream)
    child.on('error', (error) => {
      parts.log.error('a command cannot be ended', { reason: sentenceOf(error) })
    })
    // The command may end its input while more is on the way.
    child.stdin.on('error', () => undefined)
    child.once('exit', (code, signal) => this.#exited(code ?? codeOf(signal)))
  }

  get output(): AsyncIterable<ExecOutput> {
    return this.#output()
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { stdin } = this.#child
    if (stdin.destroyed || stdin.writableEnded) {
      throw new RequestError(409, 'INPUT_ENDED', 'Cannot write to the command: it reads no more')
    }
    await new Promise<void>((resolve, reject) => {
      stdin.write(bytes, (error) => (error ? reject(error) : resolve()))
    })
  }

  endInput(): void {
    this.#child.stdin.end()
  }

  /** There is no terminal whose size could change. */
  async resize(): Promise<void> {}

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { pid, exitCode, signalCode, stdin, stdout, stderr } = this.#child
    for (const stream of [stdin, stdout, stderr]) stream.destroy()
    this.#queue = []
    this.#open = 0
    this.#wake?.()
    if (pid !== undefined && exitCode === null && signalCode === null) void this.#end(pid)
  }

  async *#output(): AsyncGenerator<ExecOutput> {
    for (;;) {
      const next = this.#queue.shift()
      if (next !== undefined) {
        this.#queuedBytes -= next.bytes.length
        if (this.#queuedBytes < WAITING_BYTES_MAX) this.#resume()
        yield next
      } else if (this.#open <= 0) return
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }
  }

  #collect(stream: 'stdout' | 'stderr'): void {
    const pipe = this.#child[stream]
    pipe.on('data', (bytes: Buffer) => {
      this.#queue.push({ stream, bytes })
      this.#queuedBytes += bytes.length
      if (this.#queuedBytes >= WAITING_BYTES_MAX) this.#pause()
      this.#wake?.()
    })
    // Not only `end`: closing destroys the pipe.
    pipe.once('close', () => {
      this.#open -= 1
      this.#wake?.()
    })
    pipe.on('error', () => undefined)
  }

  #pause(): void {
    this.#child.stdout.pause()
    this.#child.stderr.pause()
  }

  #resume(): void {
    this.#child.stdout.resume()
    this.#child.stderr.resume()
  }

  /** What it started and left behind ends with it, and with that its output. */
  #exited(code: number): void {
    const { pid } = this.#child
    if (pid !== undefined) void this.#end(pid)
    this.#lingerWhileOpen()
    this.#settle?.(code)
  }

  #lingerWhileOpen(): void {
    if (this.#open <= 0) return
    after(LINGER_MS, () => {
      const isWaiting = this.#queue.length > 0 || this.#child.stdout.isPaused()
      if (isWaiting) this.#lingerWhileOpen()
      else for (const pipe of [this.#child.stdout, this.#child.stderr]) pipe.destroy()
    })
  }

  async #end(pid: number): Promise<void> {
    try {
      await killSession(pid, this.#parts.clock)
    } catch (error) {
      this.#parts.log.error('leftover of a command', { pid, reason: sentenceOf(error) })
    }
  }
}

function codeOf(signal: NodeJS.Signals | null): number {
  return signal === null ? NOT_STARTED : SIGNAL_BASE + constants.signals[signal]
}
