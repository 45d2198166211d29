import type { Change, Entry } from '../../../shared/change.ts'
import { WaitingRoom } from '../../waiting-room.ts'
import { follow } from '../follow.ts'
import {
  type Head,
  type Leadership,
  type Snapshot,
  type Store,
  StoreUnavailable,
} from '../store.ts'
import { createDirectory } from './directory.ts'
import type { Recovery } from './messages.ts'
import { ReopeningThread } from './reopening-thread.ts'
import { SnapshotCourier } from './snapshot-courier.ts'
import { threadPlace } from './thread-place.ts'

export interface EmbeddedOptions {
  /** Where the compiled thread is, when it is not where the build puts it. */
  readonly thread?: URL
}

export interface EmbeddedStore extends Store {
  /** What was wrong with the log when it was opened, if anything was. */
  readonly recovery: Recovery | undefined
}

/**
 * Opens the log in a directory, for this process alone. Rejects with `StoreUnavailable` when another
 * master uses it, when a newer version wrote it, or when it is damaged beyond saving.
 */
export async function openEmbeddedStore(
  directory: string,
  options: EmbeddedOptions = {},
): Promise<EmbeddedStore> {
  createDirectory(directory)
  const thread = new ReopeningThread(options.thread ?? threadPlace(), directory)
  const recovery = await thread.open()
  return new Embedded(thread, recovery)
}

class Embedded implements EmbeddedStore {
  readonly recovery: Recovery | undefined
  readonly failed: Promise<StoreUnavailable>
  readonly #thread: ReopeningThread
  readonly #snapshots: SnapshotCourier
  readonly #bell = new WaitingRoom()
  #seized: () => void = () => undefined
  #closing: Promise<void> | undefined

  constructor(thread: ReopeningThread, recovery: Recovery | undefined) {
    this.#thread = thread
    this.#snapshots = new SnapshotCourier(thread)
    this.recovery = recovery
    this.failed = thread.failed
    void thread.failed.then(() => this.#bell.ring())
  }

  async lead(): Promise<Leadership> {
    this.#checkOpen()
    const { epoch } = await this.#thread.ask<'lead'>({ kind: 'lead' })
    this.#seized()
    const lost = new Promise<void>((resolve) => {
      this.#seized = resolve
    })
    return { epoch, lost }
  }

  async append(epoch: number, expected: number, batch: readonly Change[]): Promise<number> {
    this.#checkOpen()
    const changes = batch.map((change) => JSON.stringify(change))
    const head = await this.#thread.ask<'append'>({ kind: 'append', epoch, expected, changes })
    this.#bell.ring()
    return head.revision
  }

  async readFrom(revision: number, limit: number): Promise<readonly Entry[]> {
    this.#checkOpen()
    const rows = await this.#thread.ask<'read'>({ kind: 'read', revision, limit })
    return rows.map(({ json, ...entry }) => ({ ...entry, change: JSON.parse(json) as Change }))
  }

  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Entry[]> {
    return follow(this, this.#bell, revision, signal)
  }

  async writeSnapshot(epoch: number, snapshot: Snapshot, keepEntries: number): Promise<void> {
    this.#checkOpen()
    await this.#snapshots.write(epoch, snapshot, keepEntries)
  }

  async readSnapshot(): Promise<Snapshot | undefined> {
    this.#checkOpen()
    return this.#snapshots.read()
  }

  async head(): Promise<Head> {
    this.#checkOpen()
    return this.#thread.ask<'head'>({ kind: 'head' })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#bell.close()
    await this.#snapshots.idle()
    await this.#thread.close()
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return
    throw new StoreUnavailable('STORE_CLOSED', 'Cannot use the log: it is closed')
  }
}
