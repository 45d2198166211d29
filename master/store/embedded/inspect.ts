import { structuralDamage } from './connection.ts'
import type { LogRows } from './log-rows.ts'
import type { LogHead } from './messages.ts'
import { Damaged } from './rows.ts'
import type { SqliteDatabase } from './sqlite-driver.ts'
import { SqliteFailure } from './sqlite-failure.ts'

export type Findings =
  | { readonly kind: 'sound'; readonly head: LogHead }
  | { readonly kind: 'damaged'; readonly reason: string }

const READ_BATCH = 500

/** Reads everything once: pages, checksums, and that the log has no gap from its start to its head. */
export function inspect(database: SqliteDatabase, rows: LogRows): Findings {
  try {
    const structure = structuralDamage(database)
    if (structure !== undefined) throw new Damaged(structure)
    const head = rows.head()
    if (head === undefined) throw new Damaged('the head is missing')
    rows.probeWriting()
    inspectEntries(rows, head)
    inspectSnapshot(rows, head)
    return { kind: 'sound', head }
  } catch (error) {
    if (!isDamage(error)) throw error
    return { kind: 'damaged', reason: error.message }
  }
}

export function isDamage(error: unknown): error is Error {
  return error instanceof Damaged || (error instanceof SqliteFailure && error.isDamage)
}

function inspectEntries(rows: LogRows, head: LogHead): void {
  let seen = head.oldest
  for (;;) {
    const entries = rows.entriesAfter(seen, READ_BATCH)
    seen += entries.length
    if (entries.length < READ_BATCH) break
  }
  if (seen !== head.revision)
    throw new Damaged(`the log ends at ${seen}, its head is ${head.revision}`)
}

function inspectSnapshot(rows: LogRows, head: LogHead): void {
  const snapshot = rows.snapshot()
  if (snapshot === undefined) {
    if (head.oldest > 0) throw new Damaged('the snapshot is missing')
    return
  }
  const { series, revision, chunks } = snapshot
  if (revision < head.oldest || revision > head.revision) {
    throw new Damaged(`the snapshot at revision ${revision} does not fit the log`)
  }
  for (let place = 0; place < chunks; place += 1) rows.chunk(series, place)
}
