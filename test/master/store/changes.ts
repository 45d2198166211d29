/** Changes whose content follows from their revision, so that a wrong one is noticed. */
import type { Change } from '../../../shared/change.ts'

export function changeNumber(revision: number): Change {
  return {
    kind: 'service-removing',
    atMs: revision * 1_000,
    actor: 'test',
    reason: `change ${revision} ${'x'.repeat(revision % 97)}`,
    service: `service-${revision}`,
  }
}

export function changesFrom(first: number, count: number): Change[] {
  return Array.from({ length: count }, (_, at) => changeNumber(first + at))
}

const LARGE_BYTES = 80_000

/** What the writer process appends: now and then much, so that the log is folded in often. */
export function writtenChange(revision: number): Change {
  const change = changeNumber(revision)
  return revision % 5 === 0 ? { ...change, reason: 'y'.repeat(LARGE_BYTES) } : change
}
