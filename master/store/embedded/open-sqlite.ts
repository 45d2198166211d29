import { openLibsql } from './libsql-driver.ts'
import { openNodeSqlite } from './node-driver.ts'
import type { SqliteDatabase } from './sqlite-driver.ts'

/** The module built into newer Nodes, else libsql, which is the same SQLite prebuilt. */
export function openSqlite(path: string): SqliteDatabase {
  const builtIn = process.getBuiltinModule('node:sqlite')
  return builtIn === undefined ? openLibsql(path) : openNodeSqlite(builtIn, path)
}
