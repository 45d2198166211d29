/** What every engine checks before it writes or reads: the same question, the same refusal. */
import { Compacted, Conflict, Fenced, type Head, READ_ENTRIES_MAX } from './store.ts'

export function checkLeader(head: Pick<Head, 'epoch'>, epoch: number): void {
  if (epoch !== head.epoch) throw new Fenced(epoch, head.epoch)
}

export function checkAppend(
  head: Pick<Head, 'epoch' | 'revision'>,
  epoch: number,
  expectedRevision: number,
): void {
  checkLeader(head, epoch)
  if (expectedRevision !== head.revision) throw new Conflict(expectedRevision, head.revision)
}

/** Answers how many entries may be read. */
export function checkRead(head: Pick<Head, 'oldest'>, revision: number, limit: number): number {
  if (revision < head.oldest) throw new Compacted(revision, head.oldest)
  return Math.max(0, Math.min(limit, READ_ENTRIES_MAX))
}

/** A snapshot beyond the log invents history; one before its start leaves a gap after itself. */
export function checkSnapshot(head: Head, revision: number): void {
  if (revision >= head.oldest && revision <= head.revision) return
  const held = `the log holds ${head.oldest} to ${head.revision}`
  throw new RangeError(`Cannot write a snapshot at revision ${revision}: ${held}`)
}

export function oldestAfter(head: Head, revision: number, keepEntries: number): number {
  return Math.max(head.oldest, revision - Math.max(0, keepEntries))
}
