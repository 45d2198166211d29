import { KeptBytes } from './kept-bytes.ts'

/** Who uses what a client sends. */
export interface Taker {
  /** Whether it is worth offering more. */
  readonly takes: boolean
  /** Takes one thing from bytes[at, length): answers how much; 0: nothing can be taken yet. */
  take(bytes: Buffer, at: number, length: number): number
}

/** Requests that come before their turn: more of them than this wait with the kernel. */
export const EARLY_BYTES_MAX = 65_536

/** What a client sends: used at once where it can be, and kept where not. */
export class ClientInput {
  readonly #taker: Taker
  readonly #kept = new KeptBytes()
  /** Up to where of what is kept it was looked at in vain. */
  searched = 0
  isTaking = false

  constructor(taker: Taker) {
    this.#taker = taker
  }

  /** How much came and is not used. */
  get length(): number {
    return this.#kept.length
  }

  received(bytes: Buffer, length: number): void {
    if (this.#kept.length > 0) {
      this.#kept.append(bytes, 0, length)
      this.#offerKept()
      return
    }
    const used = this.#offer(bytes, length)
    if (used === length || !this.#taker.takes) return
    this.#kept.append(bytes, used, length)
    this.searched = this.#kept.length
  }

  /** Somebody else may take it now. */
  offerAgain(): void {
    this.searched = 0
    this.#offerKept()
  }

  clear(): void {
    this.#kept.clear()
    this.searched = 0
  }

  #offerKept(): void {
    if (this.#kept.length === 0) return
    const { bytes, length } = this.#kept
    this.#kept.drop(this.#offer(bytes, length))
    this.searched = this.#kept.length
  }

  #offer(bytes: Buffer, length: number): number {
    this.isTaking = true
    let at = 0
    while (at < length && this.#taker.takes) {
      const used = this.#taker.take(bytes, at, length)
      if (used === 0) break
      this.searched = 0
      at += used
    }
    this.isTaking = false
    return at
  }
}
