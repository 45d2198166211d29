import type { Change, Entry } from '../../shared/change.ts'
import { WaitingRoom } from '../waiting-room.ts'
import { follow } from './follow.ts'
import { checkAppend, checkLeader, checkRead, checkSnapshot, oldestAfter } from './rules.ts'
import { type Head, type Leadership, type Snapshot, type Store, StoreUnavailable } from './store.ts'

/** A log that lives as long as its process: for tests, the demo and the simulator. */
export function createMemoryStore(): Store {
  return new MemoryStore()
}

class MemoryStore implements Store {
  readonly failed = new Promise<StoreUnavailable>(() => undefined)
  readonly #bell = new WaitingRoom()
  #head: Head = { epoch: 0, revision: 0, oldest: 0 }
  /** As JSON, so that nobody can change what was appended and every engine answers the same. */
  #entries: Array<{ readonly epoch: number; readonly json: string }> = []
  #snapshot: Snapshot | undefined
  #seized: () => void = () => undefined

  async lead(): Promise<Leadership> {
    this.#checkOpen()
    this.#seized()
    const epoch = this.#head.epoch + 1
    this.#head = { ...this.#head, epoch }
    const lost = new Promise<void>((resolve) => {
      this.#seized = resolve
    })
    return { epoch, lost }
  }

  async append(epoch: number, expectedRevision: number, batch: readonly Change[]): Promise<number> {
    this.#checkOpen()
    checkAppend(this.#head, epoch, expectedRevision)
    for (const change of batch) this.#entries.push({ epoch, json: JSON.stringify(change) })
    this.#head = { ...this.#head, revision: expectedRevision + batch.length }
    this.#bell.ring()
    return this.#head.revision
  }

  async readFrom(revision: number, limit: number): Promise<readonly Entry[]> {
    this.#checkOpen()
    const count = checkRead(this.#head, revision, limit)
    const from = revision - this.#head.oldest
    return this.#entries.slice(from, from + count).map(({ epoch, json }, at) => ({
      revision: revision + at + 1,
      epoch,
      change: JSON.parse(json) as Change,
    }))
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Entry[]> {
    return follow(this, this.#bell, revision, signal)
  }

  async writeSnapshot(epoch: number, snapshot: Snapshot, keepEntries: number): Promise<void> {
    this.#checkOpen()
    checkLeader(this.#head, epoch)
    checkSnapshot(this.#head, snapshot.revision)
    const oldest = oldestAfter(this.#head, snapshot.revision, keepEntries)
    this.#snapshot = { revision: snapshot.revision, chunks: [...snapshot.chunks] }
    this.#entries = this.#entries.slice(oldest - this.#head.oldest)
    this.#head = { ...this.#head, oldest }
  }

  async readSnapshot(): Promise<Snapshot | undefined> {
    this.#checkOpen()
    return this.#snapshot
  }

  async head(): Promise<Head> {
    this.#checkOpen()
    return this.#head
  }

  async close(): Promise<void> {
    this.#bell.close()
  }

  #checkOpen(): void {
    if (this.#bell.closed)
      throw new StoreUnavailable('STORE_CLOSED', 'Cannot use the log: it is closed')
  }
}
