/** Keeps the desired state and its log together: the single writer of this master. */

import type { Change, Entry } from '../shared/change.ts'
import type { Log } from '../shared/log.ts'
import { Desired, type DesiredView, type SavedState } from './decide/desired.ts'
import type { Store } from './store/store.ts'

export interface LedgerOptions {
  readonly log: Log
  /** A snapshot is written after so many changes. */
  readonly snapshotEvery: number
  /** So many older changes stay readable as events. */
  readonly keepEntries: number
}

const REPLAY_BATCH = 1_000
const SNAPSHOT_CHUNK_ITEMS = 500

export class Ledger {
  readonly epoch: number
  readonly #store: Store
  readonly #desired: Desired
  readonly #options: LedgerOptions
  readonly #listeners = new Set<(changes: readonly Entry[]) => void>()
  #queue: Promise<unknown> = Promise.resolve()
  #sinceSnapshot = 0

  private constructor(store: Store, epoch: number, desired: Desired, options: LedgerOptions) {
    this.#store = store
    this.epoch = epoch
    this.#desired = desired
    this.#options = options
  }

  /** Seizes the log, then rebuilds the desired state from snapshot and entries. */
  static async open(store: Store, options: LedgerOptions): Promise<Ledger> {
    const { epoch } = await store.lead()
    const desired = new Desired()
    const snapshot = await store.readSnapshot()
    if (snapshot !== undefined) desired.restore(decode(snapshot.chunks))
    for (;;) {
      const entries = await store.readFrom(desired.revision, REPLAY_BATCH)
      for (const { change, revision } of entries) desired.apply(change, revision)
      if (entries.length < REPLAY_BATCH) break
    }
    return new Ledger(store, epoch, desired, options)
  }

  get desired(): DesiredView {
    return this.#desired
  }

  /** One at a time: what `changesOf` answers is durable before it is applied and acknowledged. */
  commit(changesOf: (desired: DesiredView) => readonly Change[]): Promise<number> {
    const turn = this.#queue.then(() => this.#commitNow(changesOf))
    this.#queue = turn.catch(() => undefined)
    return turn
  }

  /** Calls back after each commit, with its entries. */
  onCommit(listener: (entries: readonly Entry[]) => void): void {
    this.#listeners.add(listener)
  }

  async #commitNow(changesOf: (desired: DesiredView) => readonly Change[]): Promise<number> {
    const changes = changesOf(this.#desired)
    const before = this.#desired.revision
    if (changes.length === 0) return before
    const head = await this.#store.append(this.epoch, before, changes)
    const entries = changes.map((change, at) => ({
      revision: before + at + 1,
      epoch: this.epoch,
      change,
    }))
    for (const { change, revision } of entries) this.#desired.apply(change, revision)
    for (const listener of this.#listeners) listener(entries)
    await this.#snapshotWhenDue(changes.length)
    return head
  }

  async #snapshotWhenDue(changes: number): Promise<void> {
    this.#sinceSnapshot += changes
    if (this.#sinceSnapshot < this.#options.snapshotEvery) return
    this.#sinceSnapshot = 0
    const { revision } = this.#desired
    const chunks = encode(this.#desired.save())
    try {
      await this.#store.writeSnapshot(this.epoch, { revision, chunks }, this.#options.keepEntries)
    } catch (error) {
      // The log alone still holds everything: the next commit tries again.
      this.#sinceSnapshot = this.#options.snapshotEvery
      this.#options.log.warn('snapshot failed', { revision, error: String(error) })
    }
  }
}

/** A head line, then the items in chunks of bounded length. */
export function encode(saved: SavedState): string[] {
  const items = [
    ...saved.nodes.map((node) => ({ node })),
    ...saved.services.map((service) => ({ service })),
    ...saved.replicas.map((replica) => ({ replica })),
    ...saved.assignments.map((assignments) => ({ assignments })),
  ]
  const { revision, removedNodes } = saved
  const chunks = [JSON.stringify({ revision, removedNodes })]
  for (let at = 0; at < items.length; at += SNAPSHOT_CHUNK_ITEMS) {
    chunks.push(JSON.stringify(items.slice(at, at + SNAPSHOT_CHUNK_ITEMS)))
  }
  return chunks
}

type Item = {
  readonly node?: SavedState['nodes'][number]
  readonly service?: SavedState['services'][number]
  readonly replica?: SavedState['replicas'][number]
  readonly assignments?: SavedState['assignments'][number]
}

export function decode(chunks: readonly string[]): SavedState {
  const [head, ...rest] = chunks
  if (head === undefined) throw new Error('Cannot read the snapshot: it is empty')
  const { revision, removedNodes } = JSON.parse(head) as Pick<
    SavedState,
    'revision' | 'removedNodes'
  >
  const items = rest.flatMap((chunk) => JSON.parse(chunk) as Item[])
  return {
    revision,
    removedNodes,
    nodes: items.flatMap(({ node }) => node ?? []),
    services: items.flatMap(({ service }) => service ?? []),
    replicas: items.flatMap(({ replica }) => replica ?? []),
    assignments: items.flatMap(({ assignments }) =>
      assignments === undefined ? [] : [assignments],
    ),
  }
}
