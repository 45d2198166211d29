import { mayBeComplete } from './bytes.ts'
import { FieldSection } from './field-section.ts'
import { isTrailer } from './header-names.ts'
import type { HeadLimits } from './message-head.ts'

const BYTES_AT_FIRST = 512
const LINE_END = Buffer.from('\r\n')

/** Collects the trailers of one body until they are complete. */
export class ChunkTrailers {
  readonly #limits: HeadLimits
  readonly #section = new FieldSection()
  #bytes = Buffer.alloc(BYTES_AT_FIRST)
  #length = 0

  constructor(limits: HeadLimits) {
    this.#limits = limits
  }

  /** Takes from bytes[from, to). > 0: the last of them are so many. 0: all, and more. -1: broken. */
  take(bytes: Buffer, from: number, to: number): number {
    const before = this.#length
    const taken = Math.min(this.#limits.headerBytesMax - before, to - from)
    this.#append(bytes, from, from + taken)
    const end = before > 0 && !mayBeComplete(this.#bytes, before, this.#length) ? 0 : this.#read()
    if (end > 0) return end - before
    return end < 0 || from + taken < to ? -1 : 0
  }

  /** Those that may be passed on, with the empty line. */
  get kept(): Buffer {
    const { count, fields, kinds } = this.#section
    const pieces: Buffer[] = []
    for (let index = 0; index < count; index += 1) {
      if (!isTrailer(kinds[index] ?? 0)) continue
      pieces.push(this.#bytes.subarray(fields[4 * index], fields[4 * index + 3]), LINE_END)
    }
    return Buffer.concat([...pieces, LINE_END])
  }

  #read(): number {
    const section = this.#section
    const end = section.read(this.#bytes, 0, this.#length, this.#limits.headersMax)
    // They would frame the message anew, behind its own end (RFC 9110, section 6.5.1).
    return section.chunked || section.contentLength >= 0 ? -1 : end
  }

  #append(bytes: Buffer, from: number, to: number): void {
    const length = this.#length + to - from
    if (length > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(length, 2 * this.#bytes.length))
      this.#bytes.copy(larger, 0, 0, this.#length)
      this.#bytes = larger
    }
    bytes.copy(this.#bytes, this.#length, from, to)
    this.#length = length
  }
}
