import type { Change, Entry } from '../../shared/model.ts'

/**
 * A fenced log with snapshots. The desired state is rebuilt from the last snapshot and the entries
 * after it; every engine passes the same conformance suite.
 *
 * Revisions count changes from 1 without a gap; 0 is the empty log. The epoch counts leaders.
 */
export interface Store {
  /** Seizes the log: a compare-and-set of the epoch. Every earlier leader is fenced off by it. */
  lead(): Promise<Leadership>
  /**
   * Adds the batch after `expectedRevision` and answers the new head revision, once it is durable.
   * Rejects with `Fenced` when another leader seized the log, `Conflict` when the head has moved,
   * and any other error when nothing of the batch will be found afterwards.
   */
  append(epoch: number, expectedRevision: number, batch: readonly Change[]): Promise<number>
  /** The entries after a revision, oldest first, at most `limit`; `Compacted` when they are gone. */
  readFrom(revision: number, limit: number): Promise<readonly Entry[]>
  /** Entries after a revision, as they become durable, until the signal aborts. */
  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Entry[]>
  /** Stores the state at a revision, in chunks; older entries may be dropped afterwards. */
  writeSnapshot(epoch: number, snapshot: Snapshot, keepEntries: number): Promise<void>
  readSnapshot(): Promise<Snapshot | undefined>
  head(): Promise<Head>
  close(): Promise<void>
}

export interface Leadership {
  readonly epoch: number
  /** Resolves when another leader was noticed; an append notices it in any case. */
  readonly lost: Promise<void>
}

export interface Head {
  readonly epoch: number
  readonly revision: number
  /** The oldest revision that `readFrom` can still start after. */
  readonly oldest: number
}

export interface Snapshot {
  readonly revision: number
  readonly chunks: readonly string[]
}

/** Another leader has seized the log: this one stops acting. */
export class Fenced extends Error {
  constructor(epoch: number, current: number) {
    super(`Cannot append in epoch ${epoch}: epoch ${current} leads`)
    this.name = 'Fenced'
  }
}

/** The log moved on since the caller looked. */
export class Conflict extends Error {
  constructor(expected: number, head: number) {
    super(`Cannot append after revision ${expected}: the head is ${head}`)
    this.name = 'Conflict'
  }
}

/** The entries asked for were folded into a snapshot. */
export class Compacted extends Error {
  constructor(revision: number, oldest: number) {
    super(`Cannot read from revision ${revision}: the log starts after ${oldest}`)
    this.name = 'Compacted'
  }
}
