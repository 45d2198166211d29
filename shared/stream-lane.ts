import { RequestError } from './errors.ts'
import type { Channel, Frame, StreamEnd } from './stream-frames.ts'
import { Inbox } from './stream-inbox.ts'
import { Outbox, type StreamChunk } from './stream-outbox.ts'

export type { StreamChunk } from './stream-outbox.ts'

/** One conversation of many on a connection, as whoever opened it sees it. */
export interface Stream {
  /** Resolves when the other side has taken it on; rejects with its refusal. */
  readonly opened: Promise<void>
  /** For one reader. Ends with the stream, or throws what it ended with. */
  readonly chunks: AsyncIterable<StreamChunk>
  /** Resolves when the other side has room for it; rejects when the stream is over. */
  write(channel: Channel, bytes: Uint8Array): Promise<void>
  /** No more is written. */
  endInput(): void
  /** How it ended; what came before may still wait in `chunks`. */
  readonly outcome: Promise<StreamEnd>
  /** Nothing more is wanted of it. */
  cancel(): void
}

/** The same as the other side sees it. */
export interface Answering extends Stream {
  /** Aborts when the stream is over, whoever ended it. */
  readonly signal: AbortSignal
  accept(): void
  /** After all that was written. */
  end(end: StreamEnd): void
}

export interface LaneConnection {
  send(frame: Frame): void
  /** There is something to take. */
  onReady(lane: Lane): void
  onOver(lane: Lane): void
}

/** One stream at either end: order, room and end. */
export class Lane implements Answering {
  readonly id: number
  readonly #connection: LaneConnection
  readonly #over = new AbortController()
  readonly #inbox: Inbox
  readonly #outbox: Outbox
  /** What follows when everything written has been sent. */
  #closing: Extract<Frame, { kind: 'eof' | 'end' }> | undefined
  #hasSentEof = false
  #settleOpened: { resolve(): void; reject(error: Error): void } | undefined
  #settleOutcome: ((end: StreamEnd) => void) | undefined
  readonly opened: Promise<void>
  readonly outcome: Promise<StreamEnd>

  constructor(id: number, connection: LaneConnection) {
    this.id = id
    this.#connection = connection
    this.#inbox = new Inbox((bytes) => {
      if (!this.#over.signal.aborted) connection.send({ kind: 'credit', id, bytes })
    })
    this.#outbox = new Outbox(() => connection.onReady(this))
    this.opened = new Promise((resolve, reject) => {
      this.#settleOpened = { resolve, reject }
    })
    // Whoever does not wait for it hears of the refusal by `outcome`.
    this.opened.catch(() => undefined)
    this.outcome = new Promise((resolve) => {
      this.#settleOutcome = resolve
    })
  }

  get chunks(): AsyncIterable<StreamChunk> {
    return this.#inbox
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Received, and not taken yet. */
  get waitingBytes(): number {
    return this.#inbox.queuedBytes
  }

  write(channel: Channel, bytes: Uint8Array): Promise<void> {
    if (this.#closing === undefined) return this.#outbox.write(channel, bytes)
    return Promise.reject(new RequestError(409, 'STREAM_ENDED', 'Cannot write: it has ended'))
  }

  accept(): void {
    if (!this.#over.signal.aborted) this.#connection.send({ kind: 'accept', id: this.id })
  }

  endInput(): void {
    this.#close({ kind: 'eof', id: this.id })
  }

  end(end: StreamEnd): void {
    this.#close({ kind: 'end', id: this.id, end })
  }

  cancel(): void {
    if (this.#over.signal.aborted) return
    this.#connection.send({ kind: 'cancel', id: this.id })
    this.#inbox.drop()
    this.finish(CANCELLED)
  }

  /** What goes next on the connection. */
  take(): Frame | undefined {
    const chunk = this.#outbox.take()
    if (chunk !== undefined) return { kind: 'data', id: this.id, ...chunk }
    const closing = this.#outbox.isEmpty ? this.#closing : undefined
    if (closing?.kind === 'end') this.finish(closing.end)
    else this.#hasSentEof ||= closing !== undefined
    return closing
  }

  get hasMore(): boolean {
    if (this.#outbox.hasChunk) return true
    return this.#outbox.isEmpty && this.#closing !== undefined && !this.#hasSentEof
  }

  /** False when the other side breaks the rules. */
  receive(frame: Frame): boolean {
    if (frame.kind === 'data') return this.#inbox.put(frame)
    if (frame.kind === 'credit') return this.#outbox.grant(frame.bytes)
    if (frame.kind === 'accept') this.#settleOpened?.resolve()
    else if (frame.kind === 'eof') this.#inbox.end()
    else if (frame.kind === 'end') this.finish(frame.end)
    else if (frame.kind === 'cancel') {
      this.#inbox.drop()
      this.finish(CANCELLED)
    } else return false
    return true
  }

  /** It is over, here and there. */
  finish(end: StreamEnd): void {
    if (this.#over.signal.aborted) return
    const error = errorOf(end)
    this.#inbox.end(error)
    this.#outbox.fail(error ?? new RequestError(409, 'STREAM_ENDED', 'Cannot write: it has ended'))
    this.#settleOpened?.reject(error ?? new RequestError(502, 'STREAM_ENDED', 'It ended at once'))
    this.#settleOutcome?.(end)
    this.#over.abort()
    this.#connection.onOver(this)
  }

  #close(frame: Extract<Frame, { kind: 'eof' | 'end' }>): void {
    if (this.#over.signal.aborted || this.#closing?.kind === 'end') return
    this.#closing = frame
    this.#connection.onReady(this)
  }
}

const CANCELLED: StreamEnd = {
  kind: 'failed',
  status: 499,
  code: 'CANCELLED',
  message: 'Cannot go on: nobody wants it any more',
}

export function errorOf(end: StreamEnd): RequestError | undefined {
  if (end.kind === 'done') return undefined
  return new RequestError(end.status, end.code, end.message)
}
