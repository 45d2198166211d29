import type { SqliteRow } from './sqlite-driver.ts'

/** What is stored is not what was written. */
export class Damaged extends Error {
  constructor(what: string) {
    super(what)
    this.name = 'Damaged'
  }
}

export function integerOf(row: SqliteRow, name: string): number {
  const value = row[name]
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  throw new Damaged(`a row holds no number "${name}"`)
}

export function bytesOf(row: SqliteRow, name: string): Uint8Array {
  const value = row[name]
  if (value instanceof Uint8Array) return value
  throw new Damaged(`a row holds no bytes "${name}"`)
}
