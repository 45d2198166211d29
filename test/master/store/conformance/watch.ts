import { describe, expect, test } from 'vitest'
import { Compacted, WATCH_ENTRIES_MAX } from '../../../../master/store/store.ts'
import type { Entry } from '../../../../shared/change.ts'
import { changeNumber, changesFrom } from '../changes.ts'
import { changesOf, leaderOf, type Tested } from './tested.ts'

export function watchConformance(tested: Tested): void {
  describe('watch()', () => {
    test('yields what is there and then what comes, without a gap', async () => {
      const epoch = await leaderOf(tested.store, 3)
      const stop = new AbortController()
      const seen = collect(tested.store.watch(1, stop.signal), 6)
      for (let revision = 3; revision < 7; revision += 1) {
        await tested.store.append(epoch, revision, [changeNumber(revision + 1)])
      }
      expect((await seen).map(({ revision }) => revision)).toEqual([2, 3, 4, 5, 6, 7])
      stop.abort()
    })

    test('yields bounded batches, however far behind it starts', async () => {
      await leaderOf(tested.store, 2_500)
      const stop = new AbortController()
      const sizes: number[] = []
      for await (const entries of tested.store.watch(0, stop.signal)) {
        sizes.push(entries.length)
        if (entries.at(-1)?.revision === 2_500) stop.abort()
      }
      expect(Math.max(...sizes)).toBeLessThanOrEqual(WATCH_ENTRIES_MAX)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_500)
    })

    test('ends when the signal aborts, also while it waits', async () => {
      await leaderOf(tested.store, 1)
      const stop = new AbortController()
      const seen = collect(tested.store.watch(1, stop.signal), 1)
      stop.abort()
      expect(await seen).toEqual([])
      expect(await collect(tested.store.watch(0, stop.signal), 1)).toEqual([])
    })

    test('ends when the store closes', async () => {
      await leaderOf(tested.store, 1)
      const seen = collect(tested.store.watch(1, new AbortController().signal), 1)
      await tested.store.close()
      expect(await seen).toEqual([])
    })

    test('throws Compacted when it comes too late', async () => {
      const epoch = await leaderOf(tested.store, 5)
      await tested.store.writeSnapshot(epoch, { revision: 5, chunks: ['5'] }, 0)
      const watch = collect(tested.store.watch(2, new AbortController().signal), 1)
      await expect(watch).rejects.toThrow(Compacted)
    })

    test('serves many watchers the same entries', async () => {
      const { epoch } = await tested.store.lead()
      const stop = new AbortController()
      const watchers = Array.from({ length: 10 }, () =>
        collect(tested.store.watch(0, stop.signal), 50),
      )
      for (let at = 0; at < 50; at += 5)
        await tested.store.append(epoch, at, changesFrom(at + 1, 5))
      for (const seen of await Promise.all(watchers)) {
        expect(changesOf(seen)).toEqual(changesFrom(1, 50))
      }
      stop.abort()
    })
  })
}

async function collect(
  watch: AsyncIterable<readonly Entry[]>,
  count: number,
): Promise<readonly Entry[]> {
  const seen: Entry[] = []
  for await (const entries of watch) {
    seen.push(...entries)
    if (seen.length >= count) break
  }
  return seen
}
