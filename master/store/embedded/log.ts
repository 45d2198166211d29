import { checkAppend, checkLeader, checkRead, checkSnapshot, oldestAfter } from '../rules.ts'
import type { LogRows } from './log-rows.ts'
import type {
  AppendRequest,
  EntryRow,
  LogHead,
  Refusal,
  SnapshotEndRequest,
  SnapshotRow,
} from './messages.ts'
import { refusalOf } from './refusals.ts'
import { Damaged } from './rows.ts'

export type Write = AppendRequest | { readonly kind: 'lead' }
export type Outcome =
  | { readonly kind: 'done'; readonly head: LogHead }
  | { readonly kind: 'declined'; readonly refusal: Refusal }

/** The log over its rows. What throws changed nothing. */
export class Log {
  readonly #rows: LogRows
  readonly #durable: (head: LogHead) => void
  #head: LogHead
  #staged: { readonly series: number; chunks: number } | undefined

  /** Calls `durable` after each commit, before anybody hears of it. */
  constructor(rows: LogRows, head: LogHead, durable: (head: LogHead) => void) {
    this.#rows = rows
    this.#head = head
    this.#durable = durable
  }

  get head(): LogHead {
    return this.#head
  }

  /** One transaction and one sync for all of them; each is judged after the one before it. */
  commit(writes: readonly Write[]): readonly Outcome[] {
    let head = this.#head
    const outcomes = this.#rows.transact(() => {
      const judged = writes.map((write) => {
        const outcome = this.#write(head, write)
        if (outcome.kind === 'done') head = outcome.head
        return outcome
      })
      if (head !== this.#head) this.#rows.writeHead(head)
      return judged
    })
    this.#settle(head)
    return outcomes
  }

  #write(head: LogHead, write: Write): Outcome {
    if (write.kind === 'lead') return { kind: 'done', head: { ...head, epoch: head.epoch + 1 } }
    try {
      checkAppend(head, write.epoch, write.expected)
    } catch (error) {
      const refusal = refusalOf(error)
      if (refusal === undefined) throw error
      return { kind: 'declined', refusal }
    }
    const { epoch, changes } = write
    for (const [at, json] of changes.entries()) {
      this.#rows.writeEntry({ revision: head.revision + at + 1, epoch, json })
    }
    return { kind: 'done', head: { ...head, revision: head.revision + changes.length } }
  }

  read(revision: number, limit: number): readonly EntryRow[] {
    const count = checkRead(this.#head, revision, limit)
    const entries = this.#rows.entriesAfter(revision, count)
    const expected = Math.max(0, Math.min(count, this.#head.revision - revision))
    if (entries.length !== expected) {
      throw new Damaged(`entry ${revision + entries.length + 1} is missing`)
    }
    return entries
  }

  /** Chunks are staged beside the current snapshot, in transactions that let appends in between. */
  beginSnapshot(epoch: number, revision: number): number {
    checkLeader(this.#head, epoch)
    checkSnapshot(this.#head, revision)
    const current = this.#rows.snapshot()?.series ?? 0
    // What an interrupted snapshot left behind.
    this.#rows.transact(() => this.#rows.dropChunksExcept(current))
    this.#staged = { series: current + 1, chunks: 0 }
    return this.#staged.series
  }

  stageChunks(series: number, chunks: readonly string[]): void {
    const staged = this.#stagedOf(series)
    this.#rows.transact(() => {
      for (const [at, chunk] of chunks.entries()) {
        this.#rows.writeChunk(series, staged.chunks + at, chunk)
      }
    })
    staged.chunks += chunks.length
  }

  endSnapshot({ epoch, series, revision, keepEntries }: SnapshotEndRequest): void {
    checkLeader(this.#head, epoch)
    checkSnapshot(this.#head, revision)
    const { chunks } = this.#stagedOf(series)
    const head = { ...this.#head, oldest: oldestAfter(this.#head, revision, keepEntries) }
    this.#rows.transact(() => {
      this.#rows.writeSnapshot({ series, revision, chunks })
      this.#rows.dropChunksExcept(series)
      this.#rows.dropEntriesThrough(head.oldest)
      this.#rows.writeHead(head)
    })
    this.#staged = undefined
    this.#settle(head)
  }

  snapshot(): SnapshotRow | undefined {
    return this.#rows.snapshot()
  }

  chunk(series: number, place: number): string {
    return this.#rows.chunk(series, place)
  }

  #settle(head: LogHead): void {
    if (head === this.#head) return
    this.#head = head
    this.#durable(head)
  }

  #stagedOf(series: number): { readonly series: number; chunks: number } {
    const staged = this.#staged
    if (staged?.series === series) return staged
    throw new RangeError(`Cannot go on with snapshot ${series}: another one was begun`)
  }
}
