/** The little of SQLite that the log needs; synchronous, so it lives in a thread of its own. */
export interface SqliteDatabase {
  exec(sql: string): void
  /** Prepare each statement once: it is kept for as long as the connection. */
  prepare(sql: string): SqliteStatement
  /** Whether a transaction is open: a failed commit may have ended it already. */
  inTransaction(): boolean
  close(): void
}

export interface SqliteStatement {
  run(...values: readonly SqliteValue[]): void
  all(...values: readonly SqliteValue[]): readonly SqliteRow[]
}

export type SqliteValue = number | string | Uint8Array
export type SqliteRow = Readonly<Record<string, unknown>>
