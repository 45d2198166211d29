import { type StreamChunk, WINDOW_BYTES } from './stream-outbox.ts'

/** Room is given back in pieces of this size, not for every few bytes. */
const RETURN_BYTES = WINDOW_BYTES / 2

type Finish = { readonly kind: 'well' } | { readonly kind: 'failed'; readonly error: Error }

/** What one stream has received and nobody has taken yet: never more than the window. */
export class Inbox implements AsyncIterable<StreamChunk> {
  readonly #giveBack: (bytes: number) => void
  #queue: StreamChunk[] = []
  #queuedBytes = 0
  /** Taken, but not given back yet: still part of the window. */
  #takenBytes = 0
  #finish: Finish | undefined
  #wake: (() => void) | undefined

  constructor(giveBack: (bytes: number) => void) {
    this.#giveBack = giveBack
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** False when the other side sent more than it may. */
  put(chunk: StreamChunk): boolean {
    const { length } = chunk.bytes
    if (this.#queuedBytes + this.#takenBytes + length > WINDOW_BYTES) return false
    if (this.#finish !== undefined) return true
    this.#queue.push(chunk)
    this.#queuedBytes += length
    this.#wake?.()
    return true
  }

  /** What has come is still given out, then the reader is told. */
  end(error?: Error): void {
    this.#finish ??= error === undefined ? { kind: 'well' } : { kind: 'failed', error }
    this.#wake?.()
  }

  /** Nobody wants it any more. */
  drop(): void {
    this.#queue = []
    this.#queuedBytes = 0
    this.end()
  }

  /** For one reader. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamChunk> {
    for (;;) {
      const chunk = this.#queue.shift()
      if (chunk !== undefined) {
        this.#took(chunk.bytes.length)
        yield chunk
      } else if (this.#finish === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      } else if (this.#finish.kind === 'failed') throw this.#finish.error
      else return
    }
  }

  #took(bytes: number): void {
    this.#queuedBytes -= bytes
    this.#takenBytes += bytes
    if (this.#takenBytes < RETURN_BYTES || this.#finish !== undefined) return
    const returned = this.#takenBytes
    this.#takenBytes = 0
    this.#giveBack(returned)
  }
}
