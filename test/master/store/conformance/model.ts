import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMemoryStore } from '../../../../master/store/memory.ts'
import type { Store } from '../../../../master/store/store.ts'
import { changesFrom } from '../changes.ts'
import type { StoreUnderTest } from './tested.ts'

/** The store in memory is the model: any other answers as it does. */
export function modelConformance(open: () => Promise<StoreUnderTest>): void {
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
