/** What every engine of the store must do, whichever keeps the log. */
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore } from '../../../master/store/memory.ts'
import {
  Compacted,
  Conflict,
  Fenced,
  type Store,
  StoreUnavailable,
  WATCH_ENTRIES_MAX,
} from '../../../master/store/store.ts'
import type { Change, Entry } from '../../../shared/model.ts'
import { changeNumber, changesFrom } from './changes.ts'

export interface StoreUnderTest {
  /** An empty log, another one at each call. */
  readonly store: Store
  dispose(): Promise<void>
}

export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} store`, () => {
    let tested: StoreUnderTest
    let store: Store
    beforeEach(async () => {
      tested = await open()
      store = tested.store
    })
    afterEach(() => tested.dispose())

    /** A leader with a log of so many entries. */
    async function leaderOf(entries: number): Promise<number> {
      const { epoch } = await store.lead()
      await store.append(epoch, 0, changesFrom(1, entries))
      return epoch
    }

    describe('append()', () => {
      test('answers the revision of the last change of the batch', async () => {
        const { epoch } = await store.lead()
        expect(await store.append(epoch, 0, changesFrom(1, 3))).toBe(3)
        expect(await store.append(epoch, 3, [changeNumber(4)])).toBe(4)
        expect(await store.head()).toEqual({ epoch, revision: 4, oldest: 0 })
      })

      test('adds nothing for an empty batch', async () => {
        const epoch = await leaderOf(2)
        expect(await store.append(epoch, 2, [])).toBe(2)
        await expect(store.append(epoch, 1, [])).rejects.toThrow(Conflict)
      })

      test('rejects with Conflict when the head is elsewhere, and keeps nothing', async () => {
        const epoch = await leaderOf(2)
        for (const expected of [0, 1, 3, 99]) {
          const append = store.append(epoch, expected, [changeNumber(9)])
          await expect(append).rejects.toThrow(Conflict)
          await expect(append).rejects.toThrow(
            `Cannot append after revision ${expected}: the head is 2`,
          )
        }
        expect(changesOf(await store.readFrom(0, 10))).toEqual(changesFrom(1, 2))
      })

      test('rejects with Fenced in any epoch but the current', async () => {
        const epoch = await leaderOf(1)
        for (const other of [epoch - 1, epoch + 1]) {
          const append = store.append(other, 1, [changeNumber(2)])
          await expect(append).rejects.toThrow(Fenced)
          await expect(append).rejects.toThrow(
            `Cannot append in epoch ${other}: epoch ${epoch} leads`,
          )
        }
        expect((await store.head()).revision).toBe(1)
      })

      test('keeps the order of appends that do not wait for each other', async () => {
        const { epoch } = await store.lead()
        const revisions = await Promise.all(
          Array.from({ length: 300 }, (_, at) => store.append(epoch, at, [changeNumber(at + 1)])),
        )
        expect(revisions).toEqual(Array.from({ length: 300 }, (_, at) => at + 1))
        expect(changesOf(await store.readFrom(0, 1_000))).toEqual(changesFrom(1, 300))
      })

      test('refuses one of many waiting appends without spoiling the others', async () => {
        const { epoch } = await store.lead()
        const answers = await Promise.allSettled([
          store.append(epoch, 0, [changeNumber(1)]),
          store.append(epoch, 7, [changeNumber(8)]),
          store.append(epoch + 1, 1, [changeNumber(2)]),
          store.append(epoch, 1, changesFrom(2, 2)),
          store.append(epoch, 0, [changeNumber(1)]),
          store.append(epoch, 3, [changeNumber(4)]),
        ])
        expect(answers.map(outcomeOf)).toEqual([1, 'Conflict', 'Fenced', 3, 'Conflict', 4])
        expect(changesOf(await store.readFrom(0, 10))).toEqual(changesFrom(1, 4))
      })

      test('takes a batch of 5,000 changes whole', async () => {
        const { epoch } = await store.lead()
        expect(await store.append(epoch, 0, changesFrom(1, 5_000))).toBe(5_000)
        const entries = await store.readFrom(0, 5_000)
        expect(changesOf(entries)).toEqual(changesFrom(1, 5_000))
        expect(entries.at(-1)?.revision).toBe(5_000)
      })

      test('keeps its own copy of what it was given', async () => {
        const { epoch } = await store.lead()
        const change = changeNumber(1)
        await store.append(epoch, 0, [change])
        Object.assign(change, { reason: 'changed afterwards' })
        expect(changesOf(await store.readFrom(0, 1))).toEqual([changeNumber(1)])
      })

      test('gives back every text as it was', async () => {
        const { epoch } = await store.lead()
        const odd = [
          '__proto__',
          'constructor',
          '\u0000',
          'a\u0000b',
          '\ud83d',
          '😀 ñ 漢字',
          '"\\\n',
          '',
        ]
        const batch = odd.map((reason, at) => ({ ...changeNumber(at + 1), reason }))
        await store.append(epoch, 0, batch)
        expect(changesOf(await store.readFrom(0, 100)).map(({ reason }) => reason)).toEqual(odd)
        expect(Object.prototype).not.toHaveProperty('reason')
      })

      test('gives back any change as JSON keeps it', async () => {
        const { epoch } = await store.lead()
        let revision = 0
        await fc.assert(
          fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 5 }), async (values) => {
            const batch = values.map((value) => ({ ...changeNumber(1), extra: value }))
            const read = await appendAndRead(store, epoch, revision, batch)
            revision += batch.length
            expect(read).toEqual(JSON.parse(JSON.stringify(batch)))
          }),
          { numRuns: 50 },
        )
      })
    })

    describe('lead()', () => {
      test('gives each leader a higher epoch and fences the one before', async () => {
        const first = await store.lead()
        const second = await store.lead()
        expect(second.epoch).toBeGreaterThan(first.epoch)
        await expect(store.append(first.epoch, 0, [changeNumber(1)])).rejects.toThrow(Fenced)
        await expect(store.append(second.epoch, 0, [changeNumber(1)])).resolves.toBe(1)
        expect((await store.readFrom(0, 1))[0]?.epoch).toBe(second.epoch)
      })

      test('tells the leader before that it has lost', async () => {
        const first = await store.lead()
        await store.lead()
        await expect(first.lost).resolves.toBeUndefined()
      })

      test('gives every caller at the same moment another epoch', async () => {
        const leaders = await Promise.all(Array.from({ length: 5 }, () => store.lead()))
        expect(new Set(leaders.map(({ epoch }) => epoch)).size).toBe(5)
      })
    })

    describe('readFrom()', () => {
      test('answers the entries after a revision, at most the limit', async () => {
        const epoch = await leaderOf(10)
        const entries = await store.readFrom(4, 3)
        expect(entries).toEqual([5, 6, 7].map((revision) => entryNumber(revision, epoch)))
      })

      test('answers nothing at the head, beyond it, and for no limit', async () => {
        await leaderOf(3)
        expect(await store.readFrom(3, 10)).toEqual([])
        expect(await store.readFrom(99, 10)).toEqual([])
        expect(await store.readFrom(0, 0)).toEqual([])
      })

      test('sees what was acknowledged before it was called', async () => {
        const { epoch } = await store.lead()
        for (let revision = 0; revision < 20; revision += 1) {
          await store.append(epoch, revision, [changeNumber(revision + 1)])
          expect(await store.readFrom(revision, 10)).toHaveLength(1)
        }
      })
    })

    describe('watch()', () => {
      test('yields what is there and then what comes, without a gap', async () => {
        const epoch = await leaderOf(3)
        const stop = new AbortController()
        const seen = collect(store.watch(1, stop.signal), 6)
        for (let revision = 3; revision < 7; revision += 1) {
          await store.append(epoch, revision, [changeNumber(revision + 1)])
        }
        expect((await seen).map(({ revision }) => revision)).toEqual([2, 3, 4, 5, 6, 7])
        stop.abort()
      })

      test('yields bounded batches, however far behind it starts', async () => {
        await leaderOf(2_500)
        const stop = new AbortController()
        const sizes: number[] = []
        for await (const entries of store.watch(0, stop.signal)) {
          sizes.push(entries.length)
          if (entries.at(-1)?.revision === 2_500) stop.abort()
        }
        expect(Math.max(...sizes)).toBeLessThanOrEqual(WATCH_ENTRIES_MAX)
        expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(2_500)
      })

      test('ends when the signal aborts, also while it waits', async () => {
        await leaderOf(1)
        const stop = new AbortController()
        const seen = collect(store.watch(1, stop.signal), 1)
        stop.abort()
        expect(await seen).toEqual([])
        expect(await collect(store.watch(0, stop.signal), 1)).toEqual([])
      })

      test('ends when the store closes', async () => {
        await leaderOf(1)
        const seen = collect(store.watch(1, new AbortController().signal), 1)
        await store.close()
        expect(await seen).toEqual([])
      })

      test('throws Compacted when it comes too late', async () => {
        const epoch = await leaderOf(5)
        await store.writeSnapshot(epoch, { revision: 5, chunks: ['5'] }, 0)
        const watch = collect(store.watch(2, new AbortController().signal), 1)
        await expect(watch).rejects.toThrow(Compacted)
      })

      test('serves many watchers the same entries', async () => {
        const { epoch } = await store.lead()
        const stop = new AbortController()
        const watchers = Array.from({ length: 10 }, () => collect(store.watch(0, stop.signal), 50))
        for (let at = 0; at < 50; at += 5) await store.append(epoch, at, changesFrom(at + 1, 5))
        for (const seen of await Promise.all(watchers)) {
          expect(changesOf(seen)).toEqual(changesFrom(1, 50))
        }
        stop.abort()
      })
    })

    describe('writeSnapshot()', () => {
      test('gives back the same chunks in the same order', async () => {
        const epoch = await leaderOf(3)
        const chunks = [
          '{"a":1}',
          '',
          'a\u0000b',
          '😀'.repeat(1_000),
          'x'.repeat(2_500_000),
          'last',
        ]
        await store.writeSnapshot(epoch, { revision: 3, chunks }, 10)
        expect(await store.readSnapshot()).toEqual({ revision: 3, chunks })
      })

      test('answers undefined before the first one', async () => {
        expect(await store.readSnapshot()).toBeUndefined()
      })

      test('replaces the one before whole', async () => {
        const epoch = await leaderOf(10)
        const many = Array.from({ length: 50 }, (_, at) => `first ${at}`)
        await store.writeSnapshot(epoch, { revision: 4, chunks: many }, 10)
        await store.writeSnapshot(epoch, { revision: 9, chunks: ['second'] }, 10)
        expect(await store.readSnapshot()).toEqual({ revision: 9, chunks: ['second'] })
      })

      test('drops older entries but the ones to keep', async () => {
        const epoch = await leaderOf(100)
        await store.writeSnapshot(epoch, { revision: 80, chunks: ['80'] }, 30)
        expect(await store.head()).toEqual({ epoch, revision: 100, oldest: 50 })
        expect(changesOf(await store.readFrom(50, 100))).toEqual(changesFrom(51, 50))
        const gone = store.readFrom(49, 100)
        await expect(gone).rejects.toThrow(Compacted)
        await expect(gone).rejects.toThrow('Cannot read from revision 49: the log starts after 50')
        expect(await store.append(epoch, 100, [changeNumber(101)])).toBe(101)
      })

      test('keeps all entries when there are fewer than to keep', async () => {
        const epoch = await leaderOf(10)
        await store.writeSnapshot(epoch, { revision: 10, chunks: ['10'] }, 1_000)
        expect(await store.readFrom(0, 100)).toHaveLength(10)
      })

      test('rejects with Fenced in another epoch', async () => {
        const epoch = await leaderOf(2)
        const snapshot = store.writeSnapshot(epoch - 1, { revision: 1, chunks: ['x'] }, 0)
        await expect(snapshot).rejects.toThrow(Fenced)
        expect(await store.readSnapshot()).toBeUndefined()
      })

      test('refuses a snapshot that the log does not lead up to', async () => {
        const epoch = await leaderOf(2)
        const snapshot = store.writeSnapshot(epoch, { revision: 3, chunks: ['x'] }, 0)
        await expect(snapshot).rejects.toThrow(RangeError)
        expect(await store.readSnapshot()).toBeUndefined()
      })

      test('lets appends go on meanwhile', async () => {
        const epoch = await leaderOf(2)
        const chunks = Array.from({ length: 5 }, () => 'y'.repeat(1_000_000))
        const snapshot = store.writeSnapshot(epoch, { revision: 2, chunks }, 0)
        expect(await store.append(epoch, 2, [changeNumber(3)])).toBe(3)
        await snapshot
        expect(await store.readSnapshot()).toEqual({ revision: 2, chunks })
        expect(changesOf(await store.readFrom(2, 10))).toEqual([changeNumber(3)])
      })
    })

    describe('close()', () => {
      test('waits for what was called before', async () => {
        const { epoch } = await store.lead()
        const append = store.append(epoch, 0, changesFrom(1, 500))
        const snapshot = append.then(() => undefined)
        await Promise.all([append, snapshot, store.close()])
        expect(await append).toBe(500)
      })

      test('rejects every call afterwards and may be called again', async () => {
        const { epoch } = await store.lead()
        await store.close()
        await store.close()
        const late = [
          () => store.lead(),
          () => store.append(epoch, 0, [changeNumber(1)]),
          () => store.readFrom(0, 1),
          () => store.head(),
          () => store.readSnapshot(),
          () => store.writeSnapshot(epoch, { revision: 0, chunks: [] }, 0),
        ]
        for (const call of late) {
          await expect(call()).rejects.toThrow(StoreUnavailable)
          await expect(call()).rejects.toThrow('Cannot use the log: it is closed')
        }
      })
    })

    test('answers the same as the model for any sequence of calls', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
          const another = await open()
          const model = createMemoryStore()
          try {
            for (const run of steps) {
              expect(await settled(run(another.store))).toEqual(await settled(run(model)))
            }
          } finally {
            await another.dispose()
          }
        }),
        { numRuns: 15 },
      )
    })
  })
}

type Step = (store: Store) => Promise<unknown>

const small = fc.integer({ min: 0, max: 12 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>(async (store) => (await store.lead()).epoch),
  fc.constant<Step>((store) => store.head()),
  fc.constant<Step>((store) => store.readSnapshot()),
  fc.tuple(small, small).map<Step>(
    ([from, limit]) =>
      (store) =>
        store.readFrom(from, limit),
  ),
  fc.tuple(small, small, small).map<Step>(([epoch, expected, count]) => (store) => {
    return store.append(epoch % 4, expected, changesFrom(expected + 1, count % 4))
  }),
  fc.tuple(small, small).map<Step>(([count, wrong]) => async (store) => {
    const { epoch, revision } = await store.head()
    const expected = wrong === 0 ? revision + 1 : revision
    return store.append(epoch, expected, changesFrom(expected + 1, count % 5))
  }),
  fc.tuple(small, small).map<Step>(([back, keep]) => async (store) => {
    const { epoch, revision } = await store.head()
    const at = revision - (back % 3)
    return store.writeSnapshot(epoch, { revision: at, chunks: [`at ${at}`, `${back}`] }, keep % 4)
  }),
)

async function settled(call: Promise<unknown>): Promise<unknown> {
  return call.catch((error: unknown) => String(error))
}

async function appendAndRead(
  store: Store,
  epoch: number,
  revision: number,
  batch: readonly Change[],
): Promise<readonly Change[]> {
  await store.append(epoch, revision, batch)
  return changesOf(await store.readFrom(revision, 100))
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

function changesOf(entries: readonly Entry[]): readonly Change[] {
  return entries.map(({ change }) => change)
}

function entryNumber(revision: number, epoch: number): Entry {
  return { revision, epoch, change: changeNumber(revision) }
}

function outcomeOf(answer: PromiseSettledResult<number>): number | string {
  return answer.status === 'fulfilled' ? answer.value : answer.reason.name
}
