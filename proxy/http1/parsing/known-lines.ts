import { FieldSection } from './field-section.ts'

/** The header lines of an earlier head: most clients say the same in each of their requests. */
export class KnownLines {
  #bytes: Buffer | undefined = undefined
  readonly #section = new FieldSection()

  /** Remembers bytes[from, to), which were read as this section, the empty line included. */
  learn(bytes: Buffer, from: number, to: number, section: FieldSection): void {
    this.#bytes = Buffer.from(bytes.subarray(from, to))
    this.#section.take(section, -from)
  }

  /** Where they end, if bytes[from, to) begin with the same; `section` is then as it was read. */
  recall(bytes: Buffer, from: number, to: number, section: FieldSection): number {
    const known = this.#bytes
    if (known === undefined) return 0
    const end = from + known.length
    if (end > to || bytes.compare(known, 0, known.length, from, end) !== 0) return 0
    section.take(this.#section, from)
    return end
  }
}
