import { HeadBuffer, type LineFilter } from './head-buffer.ts'
import { isHopByHop, KNOWN } from './parsing/header-names.ts'
import type { ResponseHead } from './parsing/response-head.ts'

const SCRATCH_BYTES = 65_536
const VERSION = Buffer.from('HTTP/1.1')
const CONNECTION_LINES = {
  close: Buffer.from('Connection: close\r\n'),
  'keep-alive': Buffer.from('Connection: keep-alive\r\n'),
  upgrade: Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n'),
  unsaid: Buffer.alloc(0),
}
const EMPTY_LINE = Buffer.from('Content-Length: 0\r\n')
const ADDED_BYTES_MAX = 128

/** How the client gets an answer whose head cannot be passed on as it is. */
export interface AnswerShape {
  /** The body follows in chunks. */
  readonly chunked: boolean
  /** Its length as the replica told it, none, or none at all to come. */
  readonly length: 'told' | 'untold' | 'zero'
  readonly connection: keyof typeof CONNECTION_LINES
  /** A cookie that ties the client to its replica. */
  readonly cookie: string | undefined
}

/** Writes the head of an answer as the client gets it, in memory that the next one uses again. */
export class ResponseWriter implements LineFilter {
  readonly #out = new HeadBuffer(Buffer.allocUnsafeSlow(SCRATCH_BYTES))
  #shape: AnswerShape = PLAIN

  /** What was written last; `length` of it count. */
  get bytes(): Buffer {
    return this.#out.bytes
  }

  get length(): number {
    return this.#out.at
  }

  write(bytes: Buffer, from: number, head: ResponseHead, shape: AnswerShape): void {
    const out = this.#out
    const most = head.end - from + ADDED_BYTES_MAX + (shape.cookie?.length ?? 0)
    out.begin(most > out.bytes.length ? Buffer.allocUnsafeSlow(most) : out.bytes)
    this.#shape = shape
    out.copy(bytes, from, head.count > 0 ? (head.fields[0] ?? 0) : head.end - 2)
    out.bytes.set(VERSION)
    out.lines(bytes, head, this)
    if (shape.cookie !== undefined) out.line('Set-Cookie: ', shape.cookie)
    if (shape.length === 'zero') out.whole(EMPTY_LINE)
    out.whole(CONNECTION_LINES[shape.connection])
    out.lineEnd()
  }

  keeps(kind: number): boolean {
    if (kind === KNOWN.other) return true
    if (kind === KNOWN.transferEncoding) return this.#shape.chunked
    if (kind === KNOWN.contentLength) return this.#shape.length === 'told'
    return !isHopByHop(kind)
  }

  /** Adds the beginning of the body, so that both leave at once; answers whether it had room. */
  append(bytes: Buffer, from: number, to: number): boolean {
    if (this.#out.at + to - from > this.#out.bytes.length) return false
    this.#out.copy(bytes, from, to)
    return true
  }

  /** What was written last is not sent yet: the next head gets other memory. */
  leave(): void {
    this.#out.begin(Buffer.allocUnsafeSlow(SCRATCH_BYTES))
  }
}

const PLAIN: AnswerShape = {
  chunked: false,
  length: 'told',
  connection: 'unsaid',
  cookie: undefined,
}
