import { SOURCE } from './seeded.ts'

type Stage = 'head' | 'size' | 'data' | 'data-end' | 'trailer' | 'done' | 'wrong'

/** Reads one answer from any slices and compares its body with the source, byte by byte. */
export class AnswerReader {
  status = 0
  /** Bytes of the body so far. */
  size = 0
  wrong = ''
  keepsConnection = true
  #stage: Stage = 'head'
  #line = ''
  #left = 0
  #chunked = false
  readonly #offset: number

  constructor(offset: number) {
    this.#offset = offset
  }

  get isDone(): boolean {
    return this.#stage === 'done'
  }

  /** Whether anything of it came. */
  get hasBegun(): boolean {
    return this.#stage !== 'head' || this.#line !== ''
  }

  /** Answers how much of the bytes belongs to this answer. */
  take(bytes: Buffer): number {
    let at = 0
    while (at < bytes.length && this.#stage !== 'done' && this.#stage !== 'wrong') {
      at = this.#stage === 'data' ? this.#takeData(bytes, at) : this.#takeLine(bytes, at)
    }
    return at
  }

  #takeData(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + this.#left)
    const place = this.#offset + this.size
    const expected = SOURCE.subarray(place, place + to - from)
    // An answer of the proxy itself has no place in the source.
    if (this.status === 200 && !expected.equals(bytes.subarray(from, to))) {
      this.#fail(`other bytes after ${this.size}`)
    }
    this.size += to - from
    this.#left -= to - from
    if (this.#left === 0 && this.#stage === 'data')
      this.#stage = this.#chunked ? 'data-end' : 'done'
    return to
  }

  #takeLine(bytes: Buffer, from: number): number {
    const end = bytes.indexOf(0x0a, from)
    this.#line += bytes.toString('latin1', from, end === -1 ? bytes.length : end + 1)
    if (end === -1) return bytes.length
    const line = this.#line
    if (this.#stage === 'head' && !line.endsWith('\r\n\r\n')) return end + 1
    this.#line = ''
    if (this.#stage === 'head') this.#takeHead(line)
    else if (this.#stage === 'size') this.#takeSize(line)
    else if (line !== '\r\n') this.#fail(`a line ${JSON.stringify(line)}`)
    else this.#stage = this.#stage === 'trailer' ? 'done' : 'size'
    return end + 1
  }

  #takeHead(head: string): void {
    this.status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1] ?? 0)
    // An interim answer stands before the one that counts.
    if (this.status === 100) return
    this.#chunked = /\r\ntransfer-encoding: chunked\r\n/i.test(head)
    this.#left = Number(/\r\ncontent-length: (\d+)\r\n/i.exec(head)?.[1] ?? -1)
    this.keepsConnection = !/\r\nconnection: close\r\n/i.test(head)
    if (this.#chunked) this.#stage = 'size'
    else if (this.#left < 0) this.#fail('an answer without framing')
    else this.#stage = this.#left === 0 ? 'done' : 'data'
  }

  #takeSize(line: string): void {
    this.#left = Number.parseInt(line, 16)
    this.#stage = this.#left === 0 ? 'trailer' : 'data'
    if (!/^[0-9a-f]+\r\n$/i.test(line)) this.#fail(`a chunk line ${JSON.stringify(line)}`)
  }

  #fail(what: string): void {
    this.wrong = what
    this.#stage = 'wrong'
  }
}
