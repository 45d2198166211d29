import type { Snapshot } from '../store.ts'
import type { ReopeningThread } from './reopening-thread.ts'

/** About so many characters travel at once: appends get in between. */
const PART_LENGTH = 1_000_000

/** Carries snapshots to and from the thread in parts, one snapshot at a time. */
export class SnapshotCourier {
  readonly #thread: ReopeningThread
  #last: Promise<unknown> = Promise.resolve()

  constructor(thread: ReopeningThread) {
    this.#thread = thread
  }

  write(epoch: number, snapshot: Snapshot, keepEntries: number): Promise<void> {
    return this.#alone(async () => {
      const { revision } = snapshot
      const series = await this.#thread.ask<'snapshot-begin'>({
        kind: 'snapshot-begin',
        epoch,
        revision,
      })
      for (const chunks of partsOf(snapshot.chunks)) {
        await this.#thread.ask<'snapshot-chunks'>({ kind: 'snapshot-chunks', series, chunks })
      }
      const end = { kind: 'snapshot-end', epoch, series, revision, keepEntries } as const
      await this.#thread.ask<'snapshot-end'>(end)
    })
  }

  read(): Promise<Snapshot | undefined> {
    return this.#alone(async () => {
      const row = await this.#thread.ask<'snapshot-read'>({ kind: 'snapshot-read' })
      if (row === undefined) return undefined
      const { series } = row
      const chunks: string[] = []
      while (chunks.length < row.chunks) {
        const place = chunks.length
        chunks.push(
          await this.#thread.ask<'snapshot-chunk'>({ kind: 'snapshot-chunk', series, place }),
        )
      }
      return { revision: row.revision, chunks }
    })
  }

  async idle(): Promise<void> {
    await this.#last
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work)
    this.#last = turn.catch(() => undefined)
    return turn
  }
}

function* partsOf(chunks: readonly string[]): Generator<readonly string[]> {
  let part: string[] = []
  let length = 0
  for (const chunk of chunks) {
    part.push(chunk)
    length += chunk.length
    if (length < PART_LENGTH) continue
    yield part
    part = []
    length = 0
  }
  if (part.length > 0) yield part
}
