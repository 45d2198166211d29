/** A parsed head whose lines may be passed on. */
export interface Lines {
  readonly count: number
  readonly fields: Int32Array
  readonly kinds: Uint8Array
  readonly end: number
}

/** Says which lines of a head are passed on. */
export interface LineFilter {
  keeps(kind: number, index: number): boolean
}

const CR = 13
const LF = 10

/** Memory in which a head is written, piece after piece. */
export class HeadBuffer {
  bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  begin(bytes: Buffer): void {
    this.bytes = bytes
    this.at = 0
  }

  copy(bytes: Buffer, from: number, to: number): void {
    if (from >= to) return
    bytes.copy(this.bytes, this.at, from, to)
    this.at += to - from
  }

  whole(bytes: Buffer): void {
    this.bytes.set(bytes, this.at)
    this.at += bytes.length
  }

  /** Short texts go byte by byte: a call into the runtime would cost more. */
  text(text: string): void {
    for (let index = 0; index < text.length; index += 1) {
      this.bytes[this.at + index] = text.charCodeAt(index)
    }
    this.at += text.length
  }

  lineEnd(): void {
    this.bytes[this.at] = CR
    this.bytes[this.at + 1] = LF
    this.at += 2
  }

  line(name: string, value: string): void {
    this.text(name)
    this.text(value)
    this.lineEnd()
  }

  /** Copies the lines that the filter keeps, in as few stretches as possible. */
  lines(bytes: Buffer, head: Lines, filter: LineFilter): void {
    const { fields, kinds, count } = head
    const end = head.end - 2
    let from = count > 0 ? (fields[0] ?? 0) : end
    for (let index = 0; index < count; index += 1) {
      if (filter.keeps(kinds[index] ?? 0, index)) continue
      this.copy(bytes, from, fields[4 * index] ?? 0)
      from = index + 1 < count ? (fields[4 * index + 4] ?? 0) : end
    }
    this.copy(bytes, from, end)
  }
}
