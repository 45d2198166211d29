import { createRequire } from 'node:module'
import type Libsql from 'libsql'
import type { SqliteDatabase, SqliteRow, SqliteStatement } from './sqlite-driver.ts'
import { CODE_CANTOPEN, guarded, SqliteFailure } from './sqlite-failure.ts'

/** Loaded on demand: newer Nodes never touch the native module. */
export function openLibsql(path: string): SqliteDatabase {
  const Database: typeof Libsql = createRequire(import.meta.url)('libsql')
  const database = opened(() => new Database(path))
  // Held for as long as the connection: the module's finalizers are its weak spot.
  const kept: Libsql.Statement<unknown[]>[] = []
  const prepare = (sql: string): Libsql.Statement<unknown[]> => {
    const statement = guarded(() => database.prepare(sql), 'rawCode')
    kept.push(statement)
    return statement
  }
  return {
    exec: (sql) => void guarded(() => database.exec(sql), 'rawCode'),
    prepare: (sql) => statementOf(prepare(sql)),
    inTransaction: () => database.inTransaction,
    close: () => void database.close(),
  }
}

/** A connection that fails carries its code in its text only. */
function opened<T>(open: () => T): T {
  try {
    return open()
  } catch (error) {
    throw new SqliteFailure(CODE_CANTOPEN, 'unable to open the database file', error)
  }
}

function statementOf(statement: Libsql.Statement<unknown[]>): SqliteStatement {
  return {
    run: (...values) => void guarded(() => statement.run(...values), 'rawCode'),
    all: (...values) => guarded(() => statement.all(...values).map(rowOf), 'rawCode'),
  }
}

function rowOf(row: unknown): SqliteRow {
  // The module adds how long the row took, and leaves blobs without a view.
  const { _metadata, ...columns } = row as Record<string, unknown>
  for (const [name, value] of Object.entries(columns)) {
    if (value instanceof ArrayBuffer) columns[name] = new Uint8Array(value)
  }
  return columns
}
