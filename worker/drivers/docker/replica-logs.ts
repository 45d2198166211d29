/** What a container printed, line by line. */
import type { Clock } from '../../../shared/clock.ts'
import type { LogLine } from '../../../shared/stream-protocol.ts'
import type { LogsAsked } from '../driver.ts'
import type { Engine } from './engine.ts'
import { isRefused } from './engine-error.ts'
import { type Piece, unframed } from './frames.ts'
import { openLogs } from './log-source.ts'

/** A longer line is told in parts. */
export const LINE_BYTES_MAX = 65_536

/** An engine may end the stream of a container that ends before it has written down the last line. */
const LAST_WORDS_MS = 200

/** A line with its time as the engine wrote it: a fixed number of digits, so that it can be compared. */
export interface StampedLine extends LogLine {
  readonly stamp: string
}

export interface LogParts {
  readonly engine: Engine
  readonly clock: Clock
}

export async function* readLogs(
  { engine, clock }: LogParts,
  container: string,
  { follow, tail, sinceMs }: LogsAsked,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const since = sinceMs === undefined ? {} : { since: (sinceMs / 1_000).toFixed(3) }
  const query = { follow, tail: tail ?? ('all' as const), timestamps: true, ...since }
  const told = new Told()
  try {
    const stream = await openLogs(engine, container, query, signal)
    for await (const line of linesOf(unframed(stream))) yield told.note(line)
    if (!follow) return
    told.isOver = true
    await clock.sleep(LAST_WORDS_MS, signal)
    const rest = { ...query, follow: false, ...told.since(since) }
    const last = await openLogs(engine, container, rest, signal)
    for await (const line of linesOf(unframed(last))) if (told.isNew(line)) yield told.note(line)
  } catch (error) {
    // One that is stopped for good is removed as soon as it has ended.
    if (!signal.aborted && !(told.isOver && isRefused(error, 404, 409))) throw error
  }
}

/** What was told last, so that nothing is told twice. */
class Told {
  /** The container has ended. */
  isOver = false
  #stamp = ''
  #lines = new Set<string>()

  note(line: StampedLine): LogLine {
    const { stamp, ...plain } = line
    if (stamp > this.#stamp) {
      this.#stamp = stamp
      this.#lines = new Set()
    }
    if (stamp === this.#stamp) this.#lines.add(keyOf(line))
    return plain
  }

  isNew(line: StampedLine): boolean {
    const { stamp } = line
    return stamp > this.#stamp || (stamp === this.#stamp && !this.#lines.has(keyOf(line)))
  }

  /** The last moment, in the engine's words; what was asked for while nothing was told. */
  since(asked: { readonly since?: string }): { readonly since?: string } {
    const atMs = Date.parse(this.#stamp)
    if (Number.isNaN(atMs)) return asked
    const nanos = /\.(\d+)/.exec(this.#stamp)?.[1] ?? '0'
    return { since: `${Math.floor(atMs / 1_000)}.${nanos.padEnd(9, '0')}` }
  }
}

function keyOf({ stream, text }: LogLine): string {
  return `${stream} ${text}`
}

/** A frame is a time and a line, or a part of one that lacks its end. */
export async function* linesOf(pieces: AsyncIterable<Piece>): AsyncGenerator<StampedLine> {
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
  #stamp = ''
  #atMs: number | undefined
  #parts: Buffer[] = []
  #bytes = 0

  constructor(stream: LogLine['stream']) {
    this.#stream = stream
  }

  *take({ bytes, isLast }: Piece): Generator<StampedLine> {
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

  *rest(): Generator<StampedLine> {
    if (this.#bytes > 0) yield this.#line()
  }

  /** Answers what follows the time. */
  #takeTime(bytes: Buffer): Buffer {
    const space = bytes.indexOf(SPACE)
    this.#time = Buffer.concat([this.#time, space === -1 ? bytes : bytes.subarray(0, space)])
    if (space === -1 && this.#time.length <= TIME_BYTES_MAX) return Buffer.alloc(0)
    const stamp = this.#time.toString('latin1')
    const atMs = Date.parse(stamp)
    if (!Number.isNaN(atMs)) this.#stamp = stamp
    const rest = Number.isNaN(atMs) ? this.#time : bytes.subarray(space + 1)
    // A line that comes in parts has the time of its first.
    this.#atMs ??= Number.isNaN(atMs) ? undefined : atMs
    this.#isAtTime = false
    this.#time = Buffer.alloc(0)
    return Number.isNaN(atMs) && space !== -1 ? Buffer.concat([rest, bytes.subarray(space)]) : rest
  }

  *#add(part: Buffer): Generator<StampedLine> {
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

  #line(): StampedLine {
    const text = Buffer.concat(this.#parts).toString('utf8').replace(/\r$/, '')
    const atMs = this.#atMs
    const spoken = { stream: this.#stream, stamp: this.#stamp, text }
    this.#parts = []
    this.#bytes = 0
    this.#atMs = undefined
    return atMs === undefined ? spoken : { ...spoken, atMs }
  }
}
