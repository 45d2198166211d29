import { CLOSES, NAMES, STAYS } from './connection-options.ts'
import { FieldSection } from './field-section.ts'

export interface HeadLimits {
  readonly headerBytesMax: number
  readonly headersMax: number
}

/** What the heads of requests and answers have in common: positions in a lent buffer. */
export class MessageHead {
  minor: 0 | 1 = 1
  /** The first byte after the empty line. */
  end = 0
  readonly section = new FieldSection()

  /** The header lines. */
  get count(): number {
    return this.section.count
  }

  /** Four for each line: where its name begins and ends, where its trimmed value does. */
  get fields(): Int32Array {
    return this.section.fields
  }

  /** For each line its number in header-names.ts. */
  get kinds(): Uint8Array {
    return this.section.kinds
  }

  /** -1 without one. */
  get contentLength(): number {
    return this.section.contentLength
  }

  get chunked(): boolean {
    return this.section.chunked
  }

  get keepAlive(): boolean {
    const { options } = this.section
    return (options & CLOSES) === 0 && (this.minor === 1 || (options & STAYS) !== 0)
  }

  /** Those that it lists have the kind `named`, unless they frame or name the message. */
  get hasConnectionNames(): boolean {
    return (this.section.options & NAMES) !== 0
  }
}
