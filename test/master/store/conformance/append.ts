import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Conflict, Fenced, type Store } from '../../../../master/store/store.ts'
import type { Change } from '../../../../shared/change.ts'
import { changeNumber, changesFrom } from '../changes.ts'
import { changesOf, leaderOf, type Tested } from './tested.ts'

export function appendConformance(tested: Tested): void {
  describe('append()', () => {
    test('answers the revision of the last change of the batch', async () => {
      const { epoch } = await tested.store.lead()
      expect(await tested.store.append(epoch, 0, changesFrom(1, 3))).toBe(3)
      expect(await tested.store.append(epoch, 3, [changeNumber(4)])).toBe(4)
      expect(await tested.store.head()).toEqual({ epoch, revision: 4, oldest: 0 })
    })

    test('adds nothing for an empty batch', async () => {
      const epoch = await leaderOf(tested.store, 2)
      expect(await tested.store.append(epoch, 2, [])).toBe(2)
      await expect(tested.store.append(epoch, 1, [])).rejects.toThrow(Conflict)
    })

    test('rejects with Conflict when the head is elsewhere, and keeps nothing', async () => {
      const epoch = await leaderOf(tested.store, 2)
      for (const expected of [0, 1, 3, 99]) {
        const append = tested.store.append(epoch, expected, [changeNumber(9)])
        await expect(append).rejects.toThrow(Conflict)
        await expect(append).rejects.toThrow(
          `Cannot append after revision ${expected}: the head is 2`,
        )
      }
      expect(changesOf(await tested.store.readFrom(0, 10))).toEqual(changesFrom(1, 2))
    })

    test('rejects with Fenced in any epoch but the current', async () => {
      const epoch = await leaderOf(tested.store, 1)
      for (const other of [epoch - 1, epoch + 1]) {
        const append = tested.store.append(other, 1, [changeNumber(2)])
        await expect(append).rejects.toThrow(Fenced)
        await expect(append).rejects.toThrow(
          `Cannot append in epoch ${other}: epoch ${epoch} leads`,
        )
      }
      expect((await tested.store.head()).revision).toBe(1)
    })

    test('keeps the order of appends that do not wait for each other', async () => {
      const { epoch } = await tested.store.lead()
      const revisions = await Promise.all(
        Array.from({ length: 300 }, (_, at) =>
          tested.store.append(epoch, at, [changeNumber(at + 1)]),
        ),
      )
      expect(revisions).toEqual(Array.from({ length: 300 }, (_, at) => at + 1))
      expect(changesOf(await tested.store.readFrom(0, 1_000))).toEqual(changesFrom(1, 300))
    })

    test('refuses one of many waiting appends without spoiling the others', async () => {
      const { epoch } = await tested.store.lead()
      const answers = await Promise.allSettled([
        tested.store.append(epoch, 0, [changeNumber(1)]),
        tested.store.append(epoch, 7, [changeNumber(8)]),
        tested.store.append(epoch + 1, 1, [changeNumber(2)]),
        tested.store.append(epoch, 1, changesFrom(2, 2)),
        tested.store.append(epoch, 0, [changeNumber(1)]),
        tested.store.append(epoch, 3, [changeNumber(4)]),
      ])
      expect(answers.map(outcomeOf)).toEqual([1, 'Conflict', 'Fenced', 3, 'Conflict', 4])
      expect(changesOf(await tested.store.readFrom(0, 10))).toEqual(changesFrom(1, 4))
    })

    test('takes a batch of 5,000 changes whole', async () => {
      const { epoch } = await tested.store.lead()
      expect(await tested.store.append(epoch, 0, changesFrom(1, 5_000))).toBe(5_000)
      const entries = await tested.store.readFrom(0, 5_000)
      expect(changesOf(entries)).toEqual(changesFrom(1, 5_000))
      expect(entries.at(-1)?.revision).toBe(5_000)
    })

    test('keeps its own copy of what it was given', async () => {
      const { epoch } = await tested.store.lead()
      const change = changeNumber(1)
      await tested.store.append(epoch, 0, [change])
      Object.assign(change, { reason: 'changed afterwards' })
      expect(changesOf(await tested.store.readFrom(0, 1))).toEqual([changeNumber(1)])
    })

    test('gives back every text as it was', async () => {
      const { epoch } = await tested.store.lead()
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
      await tested.store.append(epoch, 0, batch)
      expect(changesOf(await tested.store.readFrom(0, 100)).map(({ reason }) => reason)).toEqual(
        odd,
      )
      expect(Object.prototype).not.toHaveProperty('reason')
    })

    test('gives back any change as JSON keeps it', async () => {
      const { epoch } = await tested.store.lead()
      let revision = 0
      await fc.assert(
        fc.asyncProperty(fc.array(fc.jsonValue(), { maxLength: 5 }), async (values) => {
          const batch = values.map((value) => ({ ...changeNumber(1), extra: value }))
          const read = await appendAndRead(tested.store, epoch, revision, batch)
          revision += batch.length
          expect(read).toEqual(JSON.parse(JSON.stringify(batch)))
        }),
        { numRuns: 50 },
      )
    })
  })
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

function outcomeOf(answer: PromiseSettledResult<number>): number | string {
  return answer.status === 'fulfilled' ? answer.value : answer.reason.name
}
