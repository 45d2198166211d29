/** What a process has printed, from the files it prints to. */
import { join } from 'node:path'
import type { Clock } from '../../../shared/clock.ts'
import type { LogLine } from '../../../shared/stream-protocol.ts'
import type { LogsAsked } from '../driver.ts'
import { OutputFile, type Read, wasWrittenSince } from './process-logs-file.ts'

export interface LogsParts {
  readonly folder: string
  readonly clock: Clock
  /** Whether nothing will print there any more. */
  readonly isOver: () => Promise<boolean>
}

const POLL_MS = 100
/** A longer line is told in pieces. */
const LINE_BYTES_MAX = 16_384
/** Of one output at a time, before the other has its turn. */
const PASS_BLOCKS_MAX = 64

/**
 * Each output in its own order; the files do not say when a line was printed, so `tail` counts for
 * each of them and `sinceMs` leaves out a file that was not written to since.
 */
export async function* readLogs(
  { folder, clock, isOver }: LogsParts,
  { follow, tail, sinceMs }: LogsAsked,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const sources = await Promise.all(
    (['stdout', 'stderr'] as const).map(async (stream) => {
      const path = join(folder, `${stream}.log`)
      const isOld = sinceMs !== undefined && !(await wasWrittenSince(path, sinceMs))
      return { stream, file: await OutputFile.open(path, isOld ? 0 : tail), lines: new Lines() }
    }),
  )
  while (!signal.aborted) {
    // Asked before the last look: what was printed in between is not missed.
    const isLast = !follow || (await isOver())
    const isQuiet = yield* pass(sources, isLast, signal)
    if (isLast && isQuiet) return
    await clock.sleep(POLL_MS, signal)
  }
}

interface Source {
  readonly stream: LogLine['stream']
  readonly file: OutputFile
  readonly lines: Lines
}

/** Everything that is there now; answers whether it was read to the end. */
async function* pass(
  sources: readonly Source[],
  isLast: boolean,
  signal: AbortSignal,
): AsyncGenerator<LogLine, boolean> {
  let isQuiet = true
  for (const source of sources) {
    const last = yield* take(source, signal)
    if (last !== 'end') isQuiet = false
    else if (isLast) for (const text of source.lines.rest()) yield { stream: source.stream, text }
  }
  return isQuiet
}

async function* take(
  { stream, file, lines }: Source,
  signal: AbortSignal,
): AsyncGenerator<LogLine, Read['kind']> {
  for (let block = 0; block < PASS_BLOCKS_MAX && !signal.aborted; block += 1) {
    const read = await file.next()
    if (read.kind !== 'bytes') return read.kind
    for (const text of lines.add(read.bytes)) yield { stream, text }
  }
  return 'bytes'
}

/** Cuts bytes into lines; a character that came in two pieces is kept together. */
class Lines {
  #rest: Buffer = Buffer.alloc(0);

  /** What no line feed has ended. */
  *rest(): Generator<string> {
    if (this.#rest.length > 0) yield this.#rest.toString('utf8')
    this.#rest = Buffer.alloc(0)
  }

  *add(bytes: Buffer): Generator<string> {
    let whole = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    for (let end = whole.indexOf('\n'); end !== -1; end = whole.indexOf('\n')) {
      yield* inPieces(whole.subarray(0, end))
      whole = whole.subarray(end + 1)
    }
    while (whole.length > LINE_BYTES_MAX) {
      yield whole.subarray(0, LINE_BYTES_MAX).toString('utf8')
      whole = whole.subarray(LINE_BYTES_MAX)
    }
    this.#rest = Buffer.from(whole)
  }
}

function* inPieces(line: Buffer): Generator<string> {
  for (let at = 0; at === 0 || at < line.length; at += LINE_BYTES_MAX) {
    const piece = line.subarray(at, at + LINE_BYTES_MAX).toString('utf8')
    yield at + LINE_BYTES_MAX >= line.length ? piece.replace(/\r$/, '') : piece
  }
}
