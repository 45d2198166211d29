/** What a container printed, line by line. */
import type { LogLine } from '../../../shared/stream-protocol.ts'
import type { LogsAsked } from '../driver.ts'
import type { Engine } from './engine.ts'
import { type Piece, unframed } from './frames.ts'
import { openLogs } from './log-source.ts'

/** A longer line is told in parts. */
export const LINE_BYTES_MAX = 65_536

export async function* readLogs(
  engine: Engine,
  container: string,
  { follow, tail, sinceMs }: LogsAsked,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const since = sinceMs === undefined ? {} : { since: (sinceMs / 1_000).toFixed(3) }
  const query = { follow, tail: tail ?? ('all' as const), timestamps: true, ...since }
  try {
    const stream = await openLogs(engine, container, query, signal)
    yield* linesOf(unframed(stream))
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** A frame is a time and a line, or a part of one that lacks its end. */
export async function* linesOf(pieces: AsyncIterable<Piece>): AsyncGenerator<LogLine> {
  const drafts = { stdout: new Draft('stdout'), stderr: new Draft('stderr') }
  for await (const piece of pieces) yield* drafts[piece.stream].take(piece)
  yield* drafts.stdout.rest()
  yield* drafts.stderr.rest()
}

const SPACE = 0x20
const NEWLINE = 0x0a
/** `2006-01-02T15:04:05.999999999Z `, or with an offset; more than that is no time. */
const TIME_BYTES_MAX = 40

class Draft {
  readonly #stream: LogLine['stream']
  #isAtTime = true
  #time: Buffer = Buffer.alloc(0)
  #atMs: number | undefined
  #parts: Buffer[] = []
  #bytes = 0

  constructor(stream: LogLine['stream']) {
    this.#stream = stream
  }

  *take({ bytes, isLast }: Piece): Generator<LogLine> {
    let rest = this.#isAtTime ? this.#takeTime(bytes) : bytes
    while (rest.length > 0) {
      const end = rest.indexOf(NEWLINE)
      const part = rest.subarray(0, end === -1 ? rest.length : end)
      yield* this.#add(part)
      if (end === -1) break
      yield this.#line()
      rest = rest.subarray(end + 1)
    }
    if (isLast) this.#isAtTime = true
  }

  *rest(): Generator<LogLine> {
    if (this.#bytes > 0) yield this.#line()
  }

  /** Answers what follows the time. */
  #takeTime(bytes: Buffer): Buffer {
    const space = bytes.indexOf(SPACE)
    this.#time = Buffer.concat([this.#time, space === -1 ? bytes : bytes.subarray(0, space)])
    if (space === -1 && this.#time.length <= TIME_BYTES_MAX) return Buffer.alloc(0)
    const atMs = Date.parse(this.#time.toString('latin1'))
    const rest = Number.isNaN(atMs) ? this.#time : bytes.subarray(space + 1)
    // A line that comes in parts has the time of its first.
    this.#atMs ??= Number.isNaN(atMs) ? undefined : atMs
    this.#isAtTime = false
    this.#time = Buffer.alloc(0)
    return Number.isNaN(atMs) && space !== -1 ? Buffer.concat([rest, bytes.subarray(space)]) : rest
  }

  *#add(part: Buffer): Generator<LogLine> {
    let rest = part
    while (this.#bytes + rest.length > LINE_BYTES_MAX) {
      const fitting = LINE_BYTES_MAX - this.#bytes
      this.#keep(rest.subarray(0, fitting))
      rest = rest.subarray(fitting)
      yield this.#line()
    }
    this.#keep(rest)
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return
    this.#parts.push(part)
    this.#bytes += part.length
  }

  #line(): LogLine {
    const text = Buffer.concat(this.#parts).toString('utf8').replace(/\r$/, '')
    const atMs = this.#atMs
    this.#parts = []
    this.#bytes = 0
    this.#atMs = undefined
    return atMs === undefined
      ? { stream: this.#stream, text }
      : { stream: this.#stream, atMs, text }
  }
}
