/** Saves what is whole of a damaged database into the next generation. */
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs'
import { Acknowledged, type Mark } from './acknowledged.ts'
import { connectForBuilding, createSchema } from './connection.ts'
import { buildPath, createPrivate, removeDatabase, statePath, syncDirectory } from './directory.ts'
import { isDamage } from './inspect.ts'
import { LogRows } from './log-rows.ts'
import type { EntryRow, LogHead, SnapshotRow } from './messages.ts'

export interface Salvage {
  readonly head: LogHead
  readonly snapshot: SnapshotRow | undefined
  /** The furthest revision that anything still speaks of. */
  readonly known: number
}

/** The longest run of whole entries that a whole snapshot, or the start of the log, leads up to. */
export function survey(rows: LogRows, mark: Mark | undefined): Salvage {
  const snapshot = attempt(() => wholeSnapshot(rows))
  const base = snapshot?.revision ?? 0
  const entryAt = (revision: number): EntryRow | undefined => attempt(() => rows.entryAt(revision))
  let last = base
  let epoch = Math.max(mark?.epoch ?? 0, entryAt(base)?.epoch ?? 0)
  for (let next = entryAt(last + 1); next !== undefined; next = entryAt(last + 1)) {
    last = next.revision
    epoch = Math.max(epoch, next.epoch)
  }
  let oldest = base
  while (oldest > 0 && entryAt(oldest) !== undefined) oldest -= 1
  const head = attempt(() => rows.head())
  return {
    head: { epoch: Math.max(epoch, head?.epoch ?? 0), revision: last, oldest },
    snapshot,
    known: Math.max(last, mark?.revision ?? 0, head?.revision ?? 0),
  }
}

function wholeSnapshot(rows: LogRows): SnapshotRow | undefined {
  const snapshot = rows.snapshot()
  for (let place = 0; place < (snapshot?.chunks ?? 0); place += 1) {
    rows.chunk(snapshot?.series ?? 0, place)
  }
  return snapshot
}

/** What cannot be read for damage is not there; a disk that cannot be read is another matter. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (isDamage(error)) return undefined
    throw error
  }
}

/** The rename is the moment at which it counts: before it nothing has changed, after it all has. */
export function rebuild(directory: string, from: LogRows, salvage: Salvage, next: number): void {
  const path = buildPath(directory)
  removeDatabase(path)
  createPrivate(path)
  const database = connectForBuilding(path)
  createSchema(database)
  const rows = new LogRows(database)
  rows.transact(() => copy(from, rows, salvage))
  database.close()
  syncFile(path)
  renameSync(path, statePath(directory, next))
  syncDirectory(directory)
  const acknowledged = new Acknowledged(directory)
  acknowledged.record(salvage.head)
  acknowledged.close()
}

function copy(from: LogRows, to: LogRows, { head, snapshot }: Salvage): void {
  for (let revision = head.oldest + 1; revision <= head.revision; revision += 1) {
    const entry = from.entryAt(revision)
    if (entry !== undefined) to.writeEntry(entry)
  }
  for (let place = 0; place < (snapshot?.chunks ?? 0); place += 1) {
    const series = snapshot?.series ?? 0
    to.writeChunk(series, place, from.chunk(series, place))
  }
  if (snapshot !== undefined) to.writeSnapshot(snapshot)
  to.writeHead(head)
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}
