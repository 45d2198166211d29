import { createMemoryStore } from '../../../master/store/memory.ts'
import { storeConformance } from './conformance.ts'

storeConformance('memory', async () => {
  const store = createMemoryStore()
  return { store, dispose: () => store.close() }
})
