/**
 * One master per directory. SQLite's own file lock does it: the system releases it when its holder
 * dies, however it dies, so there is no stale lock to judge.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createPrivate } from './directory.ts'
import { OpenRefused } from './open-refused.ts'
import { openSqlite } from './open-sqlite.ts'
import type { SqliteDatabase } from './sqlite-driver.ts'
import { SqliteFailure } from './sqlite-failure.ts'

export interface DirectoryLock {
  release(): void
}

export function lockDirectory(directory: string, processId: number): DirectoryLock {
  const path = join(directory, 'master.lock')
  createPrivate(path)
  const database = hold(directory, path)
  noteHolder(directory, processId)
  return {
    release() {
      rmSync(holderPath(directory), { force: true })
      database.exec('ROLLBACK')
      database.close()
    },
  }
}

function hold(directory: string, path: string): SqliteDatabase {
  const database = openSqlite(path)
  try {
    // Statements are executed, never prepared: what is prepared would outlive the connection.
    database.exec('PRAGMA journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    if (!(error instanceof SqliteFailure)) throw error
    const state = error.isBusy ? holderOf(directory) : `master.lock: ${error.message}`
    throw new OpenRefused(directory, state)
  }
}

function holderOf(directory: string): string {
  try {
    const processId = Number.parseInt(readFileSync(holderPath(directory), 'utf8'), 10)
    if (processId > 0) return `the master with process id ${processId} uses it`
  } catch {
    // The holder is only named for people; the lock itself has already said no.
  }
  return 'another master uses it'
}

function noteHolder(directory: string, processId: number): void {
  try {
    writeFileSync(holderPath(directory), `${processId}\n`, { mode: 0o600 })
  } catch {
    // A full disk must not keep a master from reading its state; the lock is already held.
    rmSync(holderPath(directory), { force: true })
  }
}

function holderPath(directory: string): string {
  return join(directory, 'master.pid')
}
