import { describe, expect, test } from 'vitest'
import { Compacted, Fenced } from '../../../../master/store/store.ts'
import { changeNumber, changesFrom } from '../changes.ts'
import { changesOf, leaderOf, type Tested } from './tested.ts'

export function snapshotConformance(tested: Tested): void {
  describe('writeSnapshot()', () => {
    test('gives back the same chunks in the same order', async () => {
      const epoch = await leaderOf(tested.store, 3)
      const chunks = ['{"a":1}', '', 'a\u0000b', '😀'.repeat(1_000), 'x'.repeat(2_500_000), 'last']
      await tested.store.writeSnapshot(epoch, { revision: 3, chunks }, 10)
      expect(await tested.store.readSnapshot()).toEqual({ revision: 3, chunks })
    })

    test('answers undefined before the first one', async () => {
      expect(await tested.store.readSnapshot()).toBeUndefined()
    })

    test('replaces the one before whole', async () => {
      const epoch = await leaderOf(tested.store, 10)
      const many = Array.from({ length: 50 }, (_, at) => `first ${at}`)
      await tested.store.writeSnapshot(epoch, { revision: 4, chunks: many }, 10)
      await tested.store.writeSnapshot(epoch, { revision: 9, chunks: ['second'] }, 10)
      expect(await tested.store.readSnapshot()).toEqual({ revision: 9, chunks: ['second'] })
    })

    test('drops older entries but the ones to keep', async () => {
      const epoch = await leaderOf(tested.store, 100)
      await tested.store.writeSnapshot(epoch, { revision: 80, chunks: ['80'] }, 30)
      expect(await tested.store.head()).toEqual({ epoch, revision: 100, oldest: 50 })
      expect(changesOf(await tested.store.readFrom(50, 100))).toEqual(changesFrom(51, 50))
      const gone = tested.store.readFrom(49, 100)
      await expect(gone).rejects.toThrow(Compacted)
      await expect(gone).rejects.toThrow('Cannot read from revision 49: the log starts after 50')
      expect(await tested.store.append(epoch, 100, [changeNumber(101)])).toBe(101)
    })

    test('keeps all entries when there are fewer than to keep', async () => {
      const epoch = await leaderOf(tested.store, 10)
      await tested.store.writeSnapshot(epoch, { revision: 10, chunks: ['10'] }, 1_000)
      expect(await tested.store.readFrom(0, 100)).toHaveLength(10)
    })

    test('rejects with Fenced in another epoch', async () => {
      const epoch = await leaderOf(tested.store, 2)
      const snapshot = tested.store.writeSnapshot(epoch - 1, { revision: 1, chunks: ['x'] }, 0)
      await expect(snapshot).rejects.toThrow(Fenced)
      expect(await tested.store.readSnapshot()).toBeUndefined()
    })

    test('refuses a snapshot that the log does not lead up to', async () => {
      const epoch = await leaderOf(tested.store, 2)
      const snapshot = tested.store.writeSnapshot(epoch, { revision: 3, chunks: ['x'] }, 0)
      await expect(snapshot).rejects.toThrow(RangeError)
      expect(await tested.store.readSnapshot()).toBeUndefined()
    })

    test('lets appends go on meanwhile', async () => {
      const epoch = await leaderOf(tested.store, 2)
      const chunks = Array.from({ length: 5 }, () => 'y'.repeat(1_000_000))
      const snapshot = tested.store.writeSnapshot(epoch, { revision: 2, chunks }, 0)
      expect(await tested.store.append(epoch, 2, [changeNumber(3)])).toBe(3)
      await snapshot
      expect(await tested.store.readSnapshot()).toEqual({ revision: 2, chunks })
      expect(changesOf(await tested.store.readFrom(2, 10))).toEqual([changeNumber(3)])
    })
  })
}
