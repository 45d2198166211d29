import { checksumOf, checksumOfBytes } from './checksum.ts'
import type { EntryRow, LogHead, SnapshotRow } from './messages.ts'
import { bytesOf, Damaged, integerOf } from './rows.ts'
import type { SqliteDatabase, SqliteRow, SqliteStatement } from './sqlite-driver.ts'

/** The rows of the log. Whatever is read was checked against its checksum. */
export class LogRows {
  readonly #database: SqliteDatabase
  readonly #sql: ReturnType<typeof statementsOf>

  constructor(database: SqliteDatabase) {
    this.#database = database
    this.#sql = statementsOf(database)
  }

  /** All of it is on the disk when this returns, and nothing of it when it throws. */
  transact<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      this.#database.exec('COMMIT')
      return result
    } catch (error) {
      if (this.#database.inTransaction()) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  /** Throws when the database may not be written; touches no disk, which may be full. */
  probeWriting(): void {
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      this.#database.exec('UPDATE head SET epoch = epoch')
    } finally {
      if (this.#database.inTransaction()) this.#database.exec('ROLLBACK')
    }
  }

  head(): LogHead | undefined {
    const row = single(this.#sql.head)
    if (row === undefined) return undefined
    const head = {
      epoch: integerOf(row, 'epoch'),
      revision: integerOf(row, 'revision'),
      oldest: integerOf(row, 'oldest'),
    }
    expectSum(row, checksumOf(head.epoch, head.revision, head.oldest), 'the head')
    return head
  }

  writeHead({ epoch, revision, oldest }: LogHead): void {
    this.#sql.writeHead.run(1, epoch, revision, oldest, checksumOf(epoch, revision, oldest))
  }

  /** The entries after a revision without a gap. */
  entriesAfter(revision: number, limit: number): EntryRow[] {
    return this.#sql.entries.all(revision, limit).map((row, at) => {
      const entry = entryOf(row)
      if (entry.revision === revision + at + 1) return entry
      throw new Damaged(`entry ${revision + at + 1} is missing`)
    })
  }

  entryAt(revision: number): EntryRow | undefined {
    const [row] = this.#sql.entry.all(revision)
    return row === undefined ? undefined : entryOf(row)
  }

  writeEntry({ revision, epoch, json }: EntryRow): void {
    const bytes = Buffer.from(json, 'utf8')
    this.#sql.writeEntry.run(revision, epoch, bytes, checksumOfBytes(bytes, revision, epoch))
  }

  dropEntriesThrough(revision: number): void {
    this.#sql.dropEntriesThrough.run(revision)
  }

  dropEntriesAfter(revision: number): void {
    this.#sql.dropEntriesAfter.run(revision)
  }

  snapshot(): SnapshotRow | undefined {
    const row = single(this.#sql.snapshot)
    if (row === undefined) return undefined
    const snapshot = {
      series: integerOf(row, 'series'),
      revision: integerOf(row, 'revision'),
      chunks: integerOf(row, 'chunks'),
    }
    expectSum(row, sumOf(snapshot), 'the snapshot')
    return snapshot
  }

  writeSnapshot(snapshot: SnapshotRow): void {
    const { series, revision, chunks } = snapshot
    this.#sql.writeSnapshot.run(1, series, revision, chunks, sumOf(snapshot))
  }

  chunk(series: number, place: number): string {
    const [row] = this.#sql.chunk.all(series, place)
    if (row === undefined) throw new Damaged(`chunk ${place} of the snapshot is missing`)
    const bytes = bytesOf(row, 'bytes')
    expectSum(row, checksumOfBytes(bytes, series, place), `chunk ${place} of the snapshot`)
    return Buffer.from(bytes).toString('utf8')
  }

  /** As bytes: text would end at its first NUL. */
  writeChunk(series: number, place: number, chunk: string): void {
    const bytes = Buffer.from(chunk, 'utf8')
    this.#sql.writeChunk.run(series, place, bytes, checksumOfBytes(bytes, series, place))
  }

  dropChunksExcept(series: number): void {
    this.#sql.dropChunksExcept.run(series)
  }
}

/**
 * Every column is cast: a damaged row may hold text that is no UTF-8 in any of them, and libsql
 * ends the whole process when it meets some.
 */
function statementsOf(database: SqliteDatabase) {
  const select = (from: string, ...columns: readonly string[]): SqliteStatement => {
    const numbers = [...columns, 'crc'].map((name) => `CAST(${name} AS INTEGER) AS ${name}`)
    return database.prepare(`SELECT ${numbers.join(', ')}${from}`)
  }
  const json = ', CAST(json AS BLOB) AS json FROM entries'
  const bytes = ', CAST(bytes AS BLOB) AS bytes FROM chunks'
  const insert = (into: string, count: number): SqliteStatement =>
    database.prepare(`${into} (${Array.from({ length: count }, () => '?').join(', ')})`)
  return {
    head: select(' FROM head', 'epoch', 'revision', 'oldest'),
    entries: select(`${json} WHERE revision > ? ORDER BY revision LIMIT ?`, 'revision', 'epoch'),
    entry: select(`${json} WHERE revision = ?`, 'revision', 'epoch'),
    snapshot: select(' FROM snapshot', 'series', 'revision', 'chunks'),
    chunk: select(`${bytes} WHERE series = ? AND place = ?`),
    writeHead: insert('REPLACE INTO head (id, epoch, revision, oldest, crc) VALUES', 5),
    writeEntry: insert('INSERT INTO entries (revision, epoch, json, crc) VALUES', 4),
    writeSnapshot: insert('REPLACE INTO snapshot (id, series, revision, chunks, crc) VALUES', 5),
    writeChunk: insert('INSERT INTO chunks (series, place, bytes, crc) VALUES', 4),
    dropEntriesThrough: database.prepare('DELETE FROM entries WHERE revision <= ?'),
    dropEntriesAfter: database.prepare('DELETE FROM entries WHERE revision > ?'),
    dropChunksExcept: database.prepare('DELETE FROM chunks WHERE series <> ?'),
  }
}

function single(statement: SqliteStatement): SqliteRow | undefined {
  const rows = statement.all()
  if (rows.length > 1) throw new Damaged('a table of one row holds several')
  return rows[0]
}

function entryOf(row: SqliteRow): EntryRow {
  const revision = integerOf(row, 'revision')
  const epoch = integerOf(row, 'epoch')
  const bytes = bytesOf(row, 'json')
  expectSum(row, checksumOfBytes(bytes, revision, epoch), `entry ${revision}`)
  return { revision, epoch, json: Buffer.from(bytes).toString('utf8') }
}

function sumOf({ series, revision, chunks }: SnapshotRow): number {
  return checksumOf(series, revision, chunks)
}

function expectSum(row: SqliteRow, sum: number, what: string): void {
  if (integerOf(row, 'crc') !== sum) throw new Damaged(`${what} does not fit its checksum`)
}
