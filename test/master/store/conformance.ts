/** What every engine of the store must do, whichever keeps the log. */
import { afterEach, beforeEach, describe } from 'vitest'
import { appendConformance } from './conformance/append.ts'
import { lifeConformance } from './conformance/life.ts'
import { modelConformance } from './conformance/model.ts'
import { readConformance } from './conformance/read.ts'
import { snapshotConformance } from './conformance/snapshot.ts'
import type { StoreUnderTest } from './conformance/tested.ts'
import { watchConformance } from './conformance/watch.ts'

/** Each test opens a store of its own: an empty log that nobody else uses. */
export function storeConformance(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`${name} store`, () => {
    let opened: StoreUnderTest
    beforeEach(async () => {
      opened = await open()
    })
    afterEach(() => opened.dispose())
    const tested = {
      get store() {
        return opened.store
      },
    }
    appendConformance(tested)
    lifeConformance(tested)
    readConformance(tested)
    watchConformance(tested)
    snapshotConformance(tested)
    modelConformance(open)
  })
}
