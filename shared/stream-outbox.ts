import { type Channel, DATA_BYTES_MAX } from './stream-frames.ts'

/** So much may be on its way or wait to be taken, for each stream and direction. */
export const WINDOW_BYTES = 262_144

export interface StreamChunk {
  readonly channel: Channel
  readonly bytes: Uint8Array
}

interface Writer {
  readonly channel: Channel
  bytes: Uint8Array
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** What one stream has to send: as much as the other side has room for, in order. */
export class Outbox {
  readonly #onMore: () => void
  /** What the other side has room for and nobody has claimed. */
  #credit = WINDOW_BYTES
  #queue: StreamChunk[] = []
  #queuedBytes = 0
  #writers: Writer[] = []
  #failure: Error | undefined

  constructor(onMore: () => void) {
    this.#onMore = onMore
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0 && this.#writers.length === 0
  }

  get hasChunk(): boolean {
    return this.#queue.length > 0
  }

  /** Resolves once the other side has room for all of it. */
  write(channel: Channel, bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    if (bytes.length === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#writers.push({ channel, bytes, resolve, reject })
      this.#admit()
    })
  }

  /** The other side took so much; false when it cannot have taken that. */
  grant(bytes: number): boolean {
    if (this.#credit + this.#queuedBytes + bytes > WINDOW_BYTES) return false
    this.#credit += bytes
    this.#admit()
    return true
  }

  /** What goes into the next frame: neighbours of one channel travel together. */
  take(): StreamChunk | undefined {
    const [first] = this.#queue
    if (first === undefined) return undefined
    const taken: Uint8Array[] = []
    let left = DATA_BYTES_MAX
    for (let next = this.#queue[0]; next?.channel === first.channel; next = this.#queue[0]) {
      taken.push(next.bytes.subarray(0, left))
      if (next.bytes.length > left) this.#queue[0] = { ...next, bytes: next.bytes.subarray(left) }
      else this.#queue.shift()
      left -= Math.min(left, next.bytes.length)
      if (left === 0) break
    }
    this.#queuedBytes -= DATA_BYTES_MAX - left
    return { channel: first.channel, bytes: joined(taken) }
  }

  /** Nothing more goes out; whoever waits is told why. */
  fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#writers.splice(0)) reject(error)
    this.#queue = []
    this.#queuedBytes = 0
  }

  #admit(): void {
    for (let next = this.#writers[0]; next !== undefined; next = this.#writers[0]) {
      if (this.#credit === 0) return
      const bytes = next.bytes.subarray(0, this.#credit)
      next.bytes = next.bytes.subarray(bytes.length)
      this.#credit -= bytes.length
      this.#queuedBytes += bytes.length
      this.#queue.push({ channel: next.channel, bytes })
      this.#onMore()
      if (next.bytes.length > 0) return
      this.#writers.shift()
      next.resolve()
    }
  }
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  if (only !== undefined && parts.length === 1) return only
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
