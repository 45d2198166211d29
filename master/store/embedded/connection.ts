/** Opens a database so that what it commits is on the disk, and checks that it really is so. */
import { checksumOf } from './checksum.ts'
import { openSqlite } from './open-sqlite.ts'
import { bytesOf } from './rows.ts'
import type { SqliteDatabase, SqliteRow } from './sqlite-driver.ts'

export const SCHEMA_VERSION = 1

const SCHEMA = `
  CREATE TABLE head (
    id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, revision INTEGER NOT NULL,
    oldest INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE TABLE entries (
    revision INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, json BLOB NOT NULL,
    crc INTEGER NOT NULL) STRICT;
  CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY CHECK (id = 1), series INTEGER NOT NULL, revision INTEGER NOT NULL,
    chunks INTEGER NOT NULL, crc INTEGER NOT NULL) STRICT;
  CREATE TABLE chunks (
    series INTEGER NOT NULL, place INTEGER NOT NULL, bytes BLOB NOT NULL, crc INTEGER NOT NULL,
    PRIMARY KEY (series, place)) STRICT;
  INSERT INTO head VALUES (1, 0, 0, 0, ${checksumOf(0, 0, 0)});
  PRAGMA user_version = ${SCHEMA_VERSION};`

/** After a large transaction the log file shrinks to this again. */
const WAL_BYTES_MAX = 16 * 1024 * 1024

/** For serving: alone with the file, whose log is synced by every commit. */
export function connect(path: string): SqliteDatabase {
  const database = openSqlite(path)
  // Before the first access: SQLite then keeps the index of its log in memory, not in a mapped
  // file, whose pages a full disk could refuse while they are being touched.
  expectSetting(database, 'locking_mode', 'EXCLUSIVE')
  expectSetting(database, 'journal_mode', 'WAL')
  setUp(database)
  database.exec(`PRAGMA journal_size_limit = ${WAL_BYTES_MAX}`)
  return database
}

/** For writing a file that is renamed into place afterwards: it must be complete by itself. */
export function connectForBuilding(path: string): SqliteDatabase {
  const database = openSqlite(path)
  expectSetting(database, 'journal_mode', 'DELETE')
  setUp(database)
  return database
}

/** Some builds fall back to a weaker setting when an existing log is opened again. */
function setUp(database: SqliteDatabase): void {
  database.exec('PRAGMA fullfsync = ON')
  database.exec('PRAGMA checkpoint_fullfsync = ON')
  database.exec('PRAGMA cell_size_check = ON')
  database.exec('PRAGMA mmap_size = 0')
  database.exec('PRAGMA synchronous = FULL')
  expectValue(database, 'synchronous', SYNCHRONOUS_FULL)
}

const SYNCHRONOUS_FULL = 2

export function schemaVersionOf(database: SqliteDatabase): number {
  return Number(pragma(database, 'user_version'))
}

/** Nothing was ever committed to it. */
export function isBlank(database: SqliteDatabase): boolean {
  const [row] = database.prepare('SELECT count(*) FROM sqlite_master').all()
  return schemaVersionOf(database) === 0 && firstOf(row) === 0
}

/** In one transaction: a database either has its tables and its head or it is blank. */
export function createSchema(database: SqliteDatabase): void {
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA} COMMIT;`)
}

function expectSetting(database: SqliteDatabase, name: string, value: string): void {
  database.exec(`PRAGMA ${name} = ${value}`)
  expectValue(database, name, value.toLowerCase())
}

function expectValue(database: SqliteDatabase, name: string, value: string | number): void {
  const actual = pragma(database, name)
  if (actual !== value) throw new Error(`SQLite answers ${name} = ${actual} instead of ${value}`)
}

function pragma(database: SqliteDatabase, name: string): unknown {
  const [row] = database.prepare(`PRAGMA ${name}`).all()
  return firstOf(row)
}

/** The finding of SQLite's own check of its pages, or undefined when it finds nothing. */
export function structuralDamage(database: SqliteDatabase): string | undefined {
  // As bytes: it may quote the damage.
  const check = 'SELECT CAST(quick_check AS BLOB) AS finding FROM pragma_quick_check LIMIT 1'
  const [row] = database.prepare(check).all()
  const finding = row === undefined ? 'no answer' : Buffer.from(bytesOf(row, 'finding')).toString()
  return finding === 'ok' ? undefined : finding
}

function firstOf(row: SqliteRow | undefined): unknown {
  return row === undefined ? undefined : Object.values(row)[0]
}
