/**
 * A file of lines that rotates by the hour and by size: `name.log`, `name.log.1` (newer) and so on.
 *
 * It is opened for each batch, so that a file that was moved or deleted by somebody else, a full
 * disk or a missing directory mends itself as soon as its cause is gone.
 */
import { type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { Writable } from 'node:stream'
import type { Clock } from './clock.ts'
import { sentenceOf } from './errors.ts'

export interface LogFileOptions {
  readonly path: string
  readonly sizeMaxBytes: number
  /** How many files there are in all, the current one included. */
  readonly filesKept: number
  readonly clock: Clock
  /** Takes one sentence when writing begins to fail and one when it works again. */
  readonly report: (sentence: string) => void
}

/** Lines that wait for a slow disk; the ones beyond are lost and counted. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024
const HOUR_MS = 3_600_000
const NEWLINE = 10

export class LogFile {
  /** Each chunk written to it is one line with its end. */
  readonly stream: Writable
  readonly #options: LogFileOptions
  #pending: Buffer[] = []
  #pendingBytes = 0
  #writing: Promise<void> | undefined
  #failing = false
  #lostBefore = 0
  #lost = 0

  constructor(options: LogFileOptions) {
    this.#options = options
    this.stream = new Writable({
      write: (line: Buffer, _encoding, done) => {
        this.#take(line)
        done()
      },
      final: (done) => {
        this.#flushed().then(() => done(), done)
      },
    })
  }

  /** Lines that never reached the file. */
  get linesLost(): number {
    return this.#lost
  }

  #take(line: Buffer): void {
    if (this.#pendingBytes + line.length > PENDING_BYTES_MAX) {
      this.#fail(1, 'lines come faster than they can be written')
      return
    }
    this.#pending.push(line)
    this.#pendingBytes += line.length
    this.#writing ??= this.#writeAll()
  }

  async #flushed(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing
  }

  async #writeAll(): Promise<void> {
    // The lines of one turn of the event loop are one batch.
    await Promise.resolve()
    while (this.#pending.length > 0) {
      const batch = this.#pending
      this.#pending = []
      await this.#writeBatch(batch)
    }
    this.#writing = undefined
  }

  async #writeBatch(batch: readonly Buffer[]): Promise<void> {
    const progress = { lines: 0 }
    try {
      while (progress.lines < batch.length) await this.#writeFitting(batch, progress)
      this.#recover()
    } catch (error) {
      this.#fail(batch.length - progress.lines, sentenceOf(error))
    }
    for (const line of batch) this.#pendingBytes -= line.length
  }

  /** Writes as many lines as the current file takes. */
  async #writeFitting(batch: readonly Buffer[], progress: { lines: number }): Promise<void> {
    const file = await this.#openFor(batch[progress.lines]?.length ?? 0)
    try {
      const room = this.#options.sizeMaxBytes - file.sizeBytes
      const lines = fitting(batch, progress.lines, room)
      if (file.torn) await file.handle.appendFile('\n')
      await writeLines(file.handle, lines, progress)
    } finally {
      await file.handle.close()
    }
  }

  async #openFor(lineBytes: number): Promise<OpenFile> {
    const file = await openFile(this.#options.path)
    if (file.sizeBytes === 0) return file
    const full = file.sizeBytes + lineBytes > this.#options.sizeMaxBytes
    const old = hourOf(file.changedAtMs) < hourOf(this.#options.clock.nowMs())
    if (!full && !old) return file
    await file.handle.close()
    await rotate(this.#options.path, this.#options.filesKept)
    return openFile(this.#options.path)
  }

  #fail(lines: number, reason: string): void {
    this.#lost += lines
    if (this.#failing) return
    this.#failing = true
    this.#lostBefore = this.#lost - lines
    this.#options.report(`Cannot write ${this.#options.path}: ${reason}`)
  }

  #recover(): void {
    if (!this.#failing) return
    this.#failing = false
    const lines = this.#lost - this.#lostBefore
    this.#options.report(`${this.#options.path} is written again; ${lines} lines are missing`)
  }
}

interface OpenFile {
  readonly handle: FileHandle
  readonly sizeBytes: number
  readonly changedAtMs: number
  /** An earlier write was cut in the middle of a line. */
  readonly torn: boolean
}

async function openFile(path: string): Promise<OpenFile> {
  await mkdir(dirname(path), { recursive: true })
  const handle = await open(path, 'a+', 0o640)
  try {
    const { size, mtimeMs } = await handle.stat()
    const last = Buffer.alloc(1, NEWLINE)
    if (size > 0) await handle.read(last, 0, 1, size - 1)
    return { handle, sizeBytes: size, changedAtMs: mtimeMs, torn: last[0] !== NEWLINE }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The lines that fit into the room that is left; always one, else a long line would never go. */
function fitting(batch: readonly Buffer[], from: number, roomBytes: number): readonly Buffer[] {
  let to = from
  let bytes = 0
  for (; to < batch.length; to += 1) {
    bytes += batch[to]?.length ?? 0
    if (bytes > roomBytes && to > from) break
  }
  return batch.slice(from, to)
}

/** Counts each line as soon as all of it is in the file. */
async function writeLines(
  handle: FileHandle,
  lines: readonly Buffer[],
  progress: { lines: number },
): Promise<void> {
  const bytes = Buffer.concat(lines)
  const before = progress.lines
  let written = 0
  while (written < bytes.length) {
    written += (await handle.write(bytes, written)).bytesWritten
    progress.lines = before + wholeLines(lines, written)
  }
}

function wholeLines(lines: readonly Buffer[], bytes: number): number {
  let left = bytes
  let count = 0
  for (const line of lines) {
    left -= line.length
    if (left < 0) return count
    count += 1
  }
  return count
}

async function rotate(path: string, filesKept: number): Promise<void> {
  const last = filesKept - 1
  if (last === 0) return rm(path, { force: true })
  for (let number = last - 1; number >= 1; number -= 1) {
    await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`)
  }
  await renameIfThere(path, `${path}.1`)
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

function hourOf(ms: number): number {
  return Math.floor(ms / HOUR_MS)
}
