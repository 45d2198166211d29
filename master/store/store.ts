import type { Change, Entry } from '../../shared/change.ts'
import { RequestError } from '../../shared/errors.ts'

/**
 * A fenced log with snapshots. The desired state is rebuilt from the last snapshot and the entries
 * after it; every engine passes the same conformance suite.
 *
 * Revisions count changes from 1 without a gap; 0 is the empty log. The epoch counts leaders.
 * Changes are kept as JSON: what comes back is what JSON keeps of them.
 */
export interface Store {
  /** Seizes the log: a compare-and-set of the epoch. Every earlier leader is fenced off by it. */
  lead(): Promise<Leadership>
  /**
   * Adds the batch after `expectedRevision` and answers the new head revision, once it is durable.
   * The single writer need not wait: appends are judged in the order of the calls, so the next may
   * already expect the revision that this one will reach.
   *
   * Rejects with `Fenced` when another leader seized the log, `Conflict` when the head has moved,
   * `StoreUnavailable` when nothing of the batch will be found afterwards. Only after
   * `STORE_STOPPED` its outcome is unknown until the store is opened again.
   */
  append(epoch: number, expectedRevision: number, batch: readonly Change[]): Promise<number>
  /**
   * The entries after a revision, oldest first, at most `limit` and `READ_ENTRIES_MAX`; none when
   * the revision is the head or beyond it; `Compacted` when they are gone.
   */
  readFrom(revision: number, limit: number): Promise<readonly Entry[]>
  /**
   * Entries after a revision, as they become durable, at most `WATCH_ENTRIES_MAX` at a time, until
   * the signal aborts or the store closes; throws `Compacted` when the watcher came too late.
   */
  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Entry[]>
  /**
   * Stores the state at a revision, in chunks of well-formed text, and only then drops the entries
   * that are more than `keepEntries` older. A reader sees the old snapshot or the new one.
   */
  writeSnapshot(epoch: number, snapshot: Snapshot, keepEntries: number): Promise<void>
  readSnapshot(): Promise<Snapshot | undefined>
  head(): Promise<Head>
  /** Waits for what was called before; every later call rejects and every watch ends. */
  close(): Promise<void>
  /** Resolves when the engine is gone for good: every call rejects from then on. */
  readonly failed: Promise<StoreUnavailable>
}

export const READ_ENTRIES_MAX = 10_000
export const WATCH_ENTRIES_MAX = 1_000

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
  readonly epoch: number
  readonly current: number

  constructor(epoch: number, current: number) {
    super(`Cannot append in epoch ${epoch}: epoch ${current} leads`)
    this.name = 'Fenced'
    this.epoch = epoch
    this.current = current
  }
}

/** The log moved on since the caller looked. */
export class Conflict extends Error {
  readonly expected: number
  readonly head: number

  constructor(expected: number, head: number) {
    super(`Cannot append after revision ${expected}: the head is ${head}`)
    this.name = 'Conflict'
    this.expected = expected
    this.head = head
  }
}

/** The entries asked for were folded into a snapshot. */
export class Compacted extends Error {
  readonly revision: number
  readonly oldest: number

  constructor(revision: number, oldest: number) {
    super(`Cannot read from revision ${revision}: the log starts after ${oldest}`)
    this.name = 'Compacted'
    this.revision = revision
    this.oldest = oldest
  }
}

/**
 * `FULL`: no space, appends work again when there is some. `FAILED`: the disk or the database
 * failed this call, a later one may work. `BUSY`: too much waits already. `REFUSED`: it cannot be
 * opened as it is. `CLOSED`: it was closed. `STOPPED`: the engine is gone for good.
 */
export type StoreTrouble =
  | 'STORE_FULL'
  | 'STORE_FAILED'
  | 'STORE_BUSY'
  | 'STORE_REFUSED'
  | 'STORE_CLOSED'
  | 'STORE_STOPPED'

/** The log itself cannot do it: nobody's request is at fault. */
export class StoreUnavailable extends RequestError {
  readonly trouble: StoreTrouble

  constructor(trouble: StoreTrouble, message: string) {
    super(trouble === 'STORE_FULL' ? 507 : 503, trouble, message)
    this.name = 'StoreUnavailable'
    this.trouble = trouble
  }
}
