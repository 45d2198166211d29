import { Acknowledged, type Mark, readMark } from './acknowledged.ts'
import { connect, createSchema, isBlank, SCHEMA_VERSION, schemaVersionOf } from './connection.ts'
import {
  buildPath,
  createPrivate,
  damagedName,
  newestGeneration,
  removeDatabase,
  setAside,
  sizeOf,
  statePath,
} from './directory.ts'
import { type Findings, inspect } from './inspect.ts'
import { Log } from './log.ts'
import { LogRows } from './log-rows.ts'
import type { LogHead, Recovery, ThreadOrder } from './messages.ts'
import { OpenRefused } from './open-refused.ts'
import { rebuild, survey } from './salvage.ts'
import type { SqliteDatabase } from './sqlite-driver.ts'
import { SqliteFailure } from './sqlite-failure.ts'

export type Opening =
  | { readonly kind: 'opened'; readonly log: OpenLog; readonly recovery?: Recovery }
  | { readonly kind: 'rebuilt'; readonly recovery: Recovery }

export interface OpenLog {
  readonly log: Log
  close(): void
}

/** Opens the log of a locked directory; throws when it cannot, or must not, be used. */
export function openLog(order: ThreadOrder): Opening {
  const { directory } = order
  const mark = readMark(directory)
  const generation = newestGeneration(directory) ?? 1
  const path = statePath(directory, generation)
  refuseVanished(directory, path, mark)
  createPrivate(path)
  const database = connect(path)
  prepareSchema(directory, database, mark)
  const rows = new LogRows(database)
  const findings = inspect(database, rows)
  if (findings.kind === 'damaged') return salvageFrom(order, rows, findings, generation)
  const settled = settle(order, rows, findings.head, mark)
  setAside(directory, generation)
  removeDatabase(buildPath(directory))
  return { kind: 'opened', ...settled, log: serve(directory, database, rows, settled.head) }
}

/** SQLite would take an empty file for a new database, and delete the log beside it. */
function refuseVanished(directory: string, path: string, mark: Mark | undefined): void {
  const kept = mark?.revision ?? 0
  if (sizeOf(path) > 0 || (kept === 0 && sizeOf(`${path}-wal`) === 0)) return
  const lost = kept > 0 ? `${kept} changes were acknowledged` : 'its log is there'
  refuse(directory, `${path} is missing or empty, though ${lost}; put a copy back`)
}

function prepareSchema(directory: string, database: SqliteDatabase, mark: Mark | undefined): void {
  const kept = mark?.revision ?? 0
  const blank = isBlank(database)
  if (blank && kept > 0) refuse(directory, `it is empty, though ${kept} changes were acknowledged`)
  if (blank) createSchema(database)
  const version = schemaVersionOf(database)
  const known = `this program knows version ${SCHEMA_VERSION}`
  if (version !== SCHEMA_VERSION) refuse(directory, `its database has version ${version}, ${known}`)
}

function refuse(directory: string, state: string): never {
  throw new OpenRefused(directory, state)
}

function salvageFrom(
  order: ThreadOrder,
  rows: LogRows,
  { reason }: Extract<Findings, { kind: 'damaged' }>,
  generation: number,
): Opening {
  const { directory } = order
  // The running master has already acted on what is damaged now: it has to start over.
  if (order.acknowledged !== undefined) {
    refuse(directory, `its database is damaged: ${reason}`)
  }
  const mark = readMark(directory)
  const salvage = survey(rows, mark)
  const { revision } = salvage.head
  if (revision === 0 && mark?.revision !== 0) {
    refuse(directory, `its database is damaged and nothing of it can be saved: ${reason}`)
  }
  rebuild(directory, rows, salvage, generation + 1)
  const dropped = salvage.known - revision
  const kept = `the damaged database is kept as ${damagedName(generation)}`
  const sentence = `The log was damaged (${reason}): ${lostAfter(revision, dropped)}; ${kept}`
  return { kind: 'rebuilt', recovery: { dropped, revision, sentence } }
}

function lostAfter(revision: number, dropped: number): string {
  if (dropped === 0) return `all changes up to revision ${revision} were saved`
  return `${dropped} acknowledged changes after revision ${revision} are lost`
}

interface Settled {
  readonly head: LogHead
  readonly recovery?: Recovery
}

function settle(order: ThreadOrder, rows: LogRows, head: LogHead, mark: Mark | undefined): Settled {
  if (order.acknowledged !== undefined) {
    return { head: undoUnacknowledged(order.directory, rows, head, order.acknowledged) }
  }
  if (mark === undefined) return { head }
  // An epoch that was ever acknowledged is never given to another leader.
  const settled = { ...head, epoch: Math.max(head.epoch, mark.epoch) }
  if (settled.epoch > head.epoch) rows.transact(() => rows.writeHead(settled))
  if (mark.revision <= head.revision) return { head: settled }
  return { head: settled, recovery: cutShort(order.directory, head.revision, mark) }
}

function cutShort(directory: string, revision: number, mark: Mark): Recovery {
  if (revision === 0) {
    refuse(directory, `its log is empty, though ${mark.revision} changes were acknowledged`)
  }
  const dropped = mark.revision - revision
  return { dropped, revision, sentence: `The log was cut short: ${lostAfter(revision, dropped)}` }
}

/** A commit whose sync failed may be found again; its callers were told that it did not happen. */
function undoUnacknowledged(
  directory: string,
  rows: LogRows,
  head: LogHead,
  acknowledged: Mark,
): LogHead {
  const { epoch, revision } = acknowledged
  if (head.revision < revision) {
    const lost = `the log ends at revision ${head.revision}, though ${revision} was acknowledged`
    refuse(directory, lost)
  }
  if (head.revision === revision && head.epoch === epoch) return head
  const settled = { ...head, epoch, revision }
  rows.transact(() => {
    rows.dropEntriesAfter(revision)
    rows.writeHead(settled)
  })
  return settled
}

function serve(directory: string, database: SqliteDatabase, rows: LogRows, head: LogHead): OpenLog {
  const acknowledged = new Acknowledged(directory)
  acknowledged.record(head)
  acknowledged.sync(directory)
  return {
    log: new Log(rows, head, (durable) => acknowledged.record(durable)),
    close() {
      acknowledged.close()
      emptyLog(database)
      database.close()
    },
  }
}

/** A tidy end, so that the next start has nothing to replay; without it the log is as durable. */
function emptyLog(database: SqliteDatabase): void {
  try {
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch (error) {
    if (!(error instanceof SqliteFailure)) throw error
  }
}
