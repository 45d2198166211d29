const BYTES_MIN = 1_024

/** What came over a connection and cannot be used yet. */
export class KeptBytes {
  #bytes: Buffer | undefined = undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The first `length` of them count; valid until the next change. */
  get bytes(): Buffer {
    return this.#bytes ?? EMPTY
  }

  append(bytes: Buffer, from: number, to: number): void {
    const needed = this.#length + to - from
    const before = this.#bytes
    if (before === undefined || needed > before.length) {
      const room = Math.max(BYTES_MIN, needed, 2 * (before?.length ?? 0))
      this.#bytes = Buffer.allocUnsafeSlow(room)
      before?.copy(this.#bytes, 0, 0, this.#length)
    }
    bytes.copy(this.bytes, this.#length, from, to)
    this.#length = needed
  }

  /** The first so many are used; the memory goes with the last of them. */
  drop(count: number): void {
    if (count >= this.#length) {
      this.#bytes = undefined
      this.#length = 0
    } else if (count > 0) {
      this.bytes.copyWithin(0, count, this.#length)
      this.#length -= count
    }
  }

  clear(): void {
    this.drop(this.#length)
  }
}

const EMPTY = Buffer.alloc(0)
