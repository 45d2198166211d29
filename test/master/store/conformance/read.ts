import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../../shared/change.ts'
import { changeNumber } from '../changes.ts'
import { leaderOf, type Tested } from './tested.ts'

export function readConformance(tested: Tested): void {
  describe('readFrom()', () => {
    test('answers the entries after a revision, at most the limit', async () => {
      const epoch = await leaderOf(tested.store, 10)
      const entries = await tested.store.readFrom(4, 3)
      expect(entries).toEqual([5, 6, 7].map((revision) => entryNumber(revision, epoch)))
    })

    test('answers nothing at the head, beyond it, and for no limit', async () => {
      await leaderOf(tested.store, 3)
      expect(await tested.store.readFrom(3, 10)).toEqual([])
      expect(await tested.store.readFrom(99, 10)).toEqual([])
      expect(await tested.store.readFrom(0, 0)).toEqual([])
    })

    test('sees what was acknowledged before it was called', async () => {
      const { epoch } = await tested.store.lead()
      for (let revision = 0; revision < 20; revision += 1) {
        await tested.store.append(epoch, revision, [changeNumber(revision + 1)])
        expect(await tested.store.readFrom(revision, 10)).toHaveLength(1)
      }
    })
  })
}

function entryNumber(revision: number, epoch: number): Entry {
  return { revision, epoch, change: changeNumber(revision) }
}
