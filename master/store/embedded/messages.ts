/** What the store and its thread say to each other. */
import type { StoreTrouble } from '../store.ts'

export type Request =
  | { readonly kind: 'lead' }
  | AppendRequest
  | { readonly kind: 'read'; readonly revision: number; readonly limit: number }
  | { readonly kind: 'head' }
  | { readonly kind: 'snapshot-begin'; readonly epoch: number; readonly revision: number }
  | {
      readonly kind: 'snapshot-chunks'
      readonly series: number
      readonly chunks: readonly string[]
    }
  | SnapshotEndRequest
  | { readonly kind: 'snapshot-read' }
  | { readonly kind: 'snapshot-chunk'; readonly series: number; readonly place: number }
  | { readonly kind: 'close' }

export interface AppendRequest {
  readonly kind: 'append'
  readonly epoch: number
  readonly expected: number
  /** Each a change as JSON. */
  readonly changes: readonly string[]
}

export interface SnapshotEndRequest {
  readonly kind: 'snapshot-end'
  readonly epoch: number
  readonly series: number
  readonly revision: number
  readonly keepEntries: number
}

export interface Answers {
  readonly lead: LogHead
  readonly append: LogHead
  readonly read: readonly EntryRow[]
  readonly head: LogHead
  readonly 'snapshot-begin': number
  readonly 'snapshot-chunks': undefined
  readonly 'snapshot-end': undefined
  readonly 'snapshot-read': SnapshotRow | undefined
  readonly 'snapshot-chunk': string
  readonly close: undefined
}

export interface LogHead {
  readonly epoch: number
  readonly revision: number
  readonly oldest: number
}

export interface EntryRow {
  readonly revision: number
  readonly epoch: number
  readonly json: string
}

export interface SnapshotRow {
  /** Which chunks are its own: the next snapshot is written beside it. */
  readonly series: number
  readonly revision: number
  readonly chunks: number
}

export interface Asked {
  readonly id: number
  readonly request: Request
}

/** Why a request was not done, so that the store can throw the same on its side. */
export type Refusal =
  | { readonly kind: 'fenced'; readonly epoch: number; readonly current: number }
  | { readonly kind: 'conflict'; readonly expected: number; readonly head: number }
  | { readonly kind: 'compacted'; readonly revision: number; readonly oldest: number }
  | { readonly kind: 'misused'; readonly message: string }
  | { readonly kind: 'unavailable'; readonly trouble: StoreTrouble; readonly message: string }

export type Told =
  | { readonly kind: 'opened'; readonly head: LogHead; readonly recovery?: Recovery }
  /** What could be saved was written into a new database; a new thread has to open it. */
  | { readonly kind: 'rebuilt'; readonly recovery: Recovery }
  /** Another try may work when it is not final: the disk failed, not what is on it. */
  | { readonly kind: 'refused'; readonly message: string; readonly final: boolean }
  | { readonly kind: 'answered'; readonly id: number; readonly answer: unknown }
  | { readonly kind: 'declined'; readonly id: number; readonly refusal: Refusal }
  /** The database cannot be trusted until it was opened again: the thread ends. */
  | { readonly kind: 'broken'; readonly message: string }

/** What was wrong when the log was opened, and what it cost. */
export interface Recovery {
  /** How many acknowledged entries are gone. */
  readonly dropped: number
  /** The head that was recovered. */
  readonly revision: number
  readonly sentence: string
}

export interface ThreadOrder {
  readonly directory: string
  readonly processId: number
  /** What was acknowledged before the database was reopened: anything after it was not. */
  readonly acknowledged?: Pick<LogHead, 'epoch' | 'revision'>
}
