import { describe, expect, test } from 'vitest'
import { Fenced, StoreUnavailable } from '../../../../master/store/store.ts'
import { changeNumber, changesFrom } from '../changes.ts'
import type { Tested } from './tested.ts'

export function lifeConformance(tested: Tested): void {
  describe('lead()', () => {
    test('gives each leader a higher epoch and fences the one before', async () => {
      const first = await tested.store.lead()
      const second = await tested.store.lead()
      expect(second.epoch).toBeGreaterThan(first.epoch)
      await expect(tested.store.append(first.epoch, 0, [changeNumber(1)])).rejects.toThrow(Fenced)
      await expect(tested.store.append(second.epoch, 0, [changeNumber(1)])).resolves.toBe(1)
      expect((await tested.store.readFrom(0, 1))[0]?.epoch).toBe(second.epoch)
    })

    test('tells the leader before that it has lost', async () => {
      const first = await tested.store.lead()
      await tested.store.lead()
      await expect(first.lost).resolves.toBeUndefined()
    })

    test('gives every caller at the same moment another epoch', async () => {
      const leaders = await Promise.all(Array.from({ length: 5 }, () => tested.store.lead()))
      expect(new Set(leaders.map(({ epoch }) => epoch)).size).toBe(5)
    })
  })

  describe('close()', () => {
    test('waits for what was called before', async () => {
      const { epoch } = await tested.store.lead()
      const append = tested.store.append(epoch, 0, changesFrom(1, 500))
      const snapshot = append.then(() => undefined)
      await Promise.all([append, snapshot, tested.store.close()])
      expect(await append).toBe(500)
    })

    test('rejects every call afterwards and may be called again', async () => {
      const { epoch } = await tested.store.lead()
      await tested.store.close()
      await tested.store.close()
      const late = [
        () => tested.store.lead(),
        () => tested.store.append(epoch, 0, [changeNumber(1)]),
        () => tested.store.readFrom(0, 1),
        () => tested.store.head(),
        () => tested.store.readSnapshot(),
        () => tested.store.writeSnapshot(epoch, { revision: 0, chunks: [] }, 0),
      ]
      for (const call of late) {
        await expect(call()).rejects.toThrow(StoreUnavailable)
        await expect(call()).rejects.toThrow('Cannot use the log: it is closed')
      }
    })
  })
}
