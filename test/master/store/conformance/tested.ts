import type { Store } from '../../../../master/store/store.ts'
import type { Change, Entry } from '../../../../shared/change.ts'
import { changesFrom } from '../changes.ts'

export interface StoreUnderTest {
  /** An empty log, another one at each call. */
  readonly store: Store
  dispose(): Promise<void>
}

/** The store of the running test: each test gets its own. */
export interface Tested {
  readonly store: Store
}

/** A leader with a log of so many entries. */
export async function leaderOf(store: Store, entries: number): Promise<number> {
  const { epoch } = await store.lead()
  await store.append(epoch, 0, changesFrom(1, entries))
  return epoch
}

export function changesOf(entries: readonly Entry[]): readonly Change[] {
  return entries.map(({ change }) => change)
}
