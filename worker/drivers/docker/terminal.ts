/** A command inside a container while somebody watches: bytes in, bytes out, at their pace. */
import type { Duplex } from 'node:stream'
import { RequestError, sentenceOf } from '../../../shared/errors.ts'
import type { ExecAsked, ExecOutput, ExecSession, TerminalSize } from '../driver.ts'
import { isRefused } from './engine-error.ts'
import { Exec, type ExecParts } from './exec.ts'
import { unframed } from './frames.ts'
import { shortened } from './start-failure.ts'

/** A terminal exists a moment after its command was started. */
const RESIZE_TRIES = 20
const RESIZE_AGAIN_MS = 50
/** What a shell says of a command that was killed. */
const KILLED_CODE = 137
const NOT_BEGUN = 'OCI runtime exec failed: '

export async function openTerminal(
  parts: ExecParts,
  container: string,
  asked: ExecAsked,
  signal: AbortSignal,
): Promise<ExecSession> {
  const Tty = asked.terminal !== undefined
  const [program = ''] = asked.command
  const wanted = { Cmd: [...asked.command], AttachStdin: true, Tty }
  const exec = await Exec.create(parts, container, wanted, signal)
  const socket = await exec.start({ hijack: true, stdin: true, Tty }, signal)
  const session = new Terminal(parts, { exec, socket, isTerminal: Tty, program })
  const close = (): void => session.close()
  signal.addEventListener('abort', close, { once: true })
  socket.once('close', () => signal.removeEventListener('abort', close))
  if (signal.aborted) close()
  if (asked.terminal !== undefined) await session.resize(asked.terminal)
  return session
}

interface Opened {
  readonly exec: Exec
  readonly socket: Duplex
  readonly isTerminal: boolean
  readonly program: string
}

class Terminal implements ExecSession {
  readonly output: AsyncIterable<ExecOutput>
  readonly exited: Promise<number>
  readonly #parts: ExecParts
  readonly #opened: Opened
  #settle: (code: number | Promise<number>) => void = () => undefined
  #isClosed = false

  constructor(parts: ExecParts, opened: Opened) {
    this.#parts = parts
    this.#opened = opened
    this.exited = new Promise((resolve) => {
      this.#settle = resolve
    })
    // Who only wants the output is not troubled by the code.
    this.exited.catch(() => undefined)
    this.output = this.#read()
  }

  async write(bytes: Uint8Array): Promise<void> {
    const { socket } = this.#opened
    if (socket.destroyed || socket.writableEnded) return
    // Also called when the socket is destroyed before it took them.
    await new Promise<void>((resolve) => socket.write(bytes, () => resolve()))
  }

  endInput(): void {
    this.#opened.socket.end()
  }

  async resize({ columns, rows }: TerminalSize): Promise<void> {
    for (let left = RESIZE_TRIES; !this.#isClosed; left--) {
      try {
        return await this.#opened.exec.resize(rows, columns)
      } catch (error) {
        // It is not there yet, or not any more.
        if (!isRefused(error)) throw error
        if (left === 0 || this.#opened.socket.readableEnded) return
        await this.#parts.clock.sleep(RESIZE_AGAIN_MS)
      }
    }
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    const { exec, socket } = this.#opened
    socket.destroy()
    exec.kill().catch((error: unknown) => {
      this.#parts.log.warn('command goes on', { reason: sentenceOf(error) })
    })
    this.#settle(KILLED_CODE)
  }

  async *#read(): AsyncGenerator<ExecOutput> {
    const { exec } = this.#opened
    let isFirst = true
    try {
      for await (const output of this.#pieces()) {
        if (isFirst) await expectStarted(this.#opened, output.bytes)
        isFirst = false
        yield output
      }
      this.#settle(exec.code())
    } catch (error) {
      // Whoever closes it knows that it ends early.
      if (this.#isClosed) return
      this.#settle(Promise.reject(error))
      throw error
    } finally {
      this.close()
    }
  }

  async *#pieces(): AsyncGenerator<ExecOutput> {
    const { socket, isTerminal } = this.#opened
    if (isTerminal) {
      for await (const bytes of socket) yield { stream: 'stdout', bytes }
    } else {
      for await (const { stream, bytes } of unframed(socket)) yield { stream, bytes }
    }
  }
}

/** Why a command cannot begin, the engine writes where the command would write. */
async function expectStarted({ exec, program }: Opened, first: Uint8Array): Promise<void> {
  const said = Buffer.from(first).toString('utf8')
  if (!said.startsWith(NOT_BEGUN) || (await exec.hasBegun())) return
  throw new RequestError(422, 'NOT_STARTED', `Cannot run "${program}": ${shortened(said)}`)
}
