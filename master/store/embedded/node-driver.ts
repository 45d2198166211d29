import type { SqliteDatabase, SqliteRow, SqliteValue } from './sqlite-driver.ts'
import { guarded } from './sqlite-failure.ts'

/** Declared here because the types of the oldest supported Node do not know the module yet. */
interface NodeSqlite {
  readonly DatabaseSync: new (path: string) => NodeDatabase
}

interface NodeDatabase {
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: readonly SqliteValue[]): unknown
    all(...values: readonly SqliteValue[]): SqliteRow[]
  }
  readonly isTransaction?: boolean
  close(): void
}

export function openNodeSqlite(module: object, path: string): SqliteDatabase {
  const { DatabaseSync } = module as NodeSqlite
  const database = guarded(() => new DatabaseSync(path), 'errcode')
  return {
    exec: (sql) => guarded(() => database.exec(sql), 'errcode'),
    prepare: (sql) => {
      const statement = guarded(() => database.prepare(sql), 'errcode')
      return {
        run: (...values) => void guarded(() => statement.run(...values), 'errcode'),
        all: (...values) => guarded(() => statement.all(...values), 'errcode'),
      }
    },
    inTransaction: () => database.isTransaction ?? isOpen(database),
    close: () => database.close(),
  }
}

/** The first versions of the module do not say; a transaction inside another one is refused. */
function isOpen(database: NodeDatabase): boolean {
  try {
    database.exec('BEGIN')
  } catch {
    return true
  }
  database.exec('ROLLBACK')
  return false
}
