import { expect, test } from 'vitest'
import { Census } from '../../worker/census.ts'
import type { Belief, Leftover } from '../../worker/decide/reconcile.ts'
import type { Found } from '../../worker/drivers/driver.ts'
import { assignedReplica } from './support/assigned.ts'
import { RecordedLog } from './support/recorded-log.ts'

const assigned = assignedReplica()
const running = { replica: 'r1', port: 20_000, handle: 'h1', startedAtMs: 0, assigned }

/** A census over a runtime that lists this, while the worker may change its mind meanwhile. */
function census(found: Found | Error, meanwhile: (beliefs: Map<string, Belief>) => void) {
  const beliefs = new Map<string, Belief>()
  const [missed, stopped]: [Leftover[], string[]] = [[], []]
  let lists = 0
  const driver = {
    list: async () => {
      lists += 1
      meanwhile(beliefs)
      if (found instanceof Error) throw found
      return found
    },
    stop: async (replica: string) => void stopped.push(replica),
  }
  const parts = { driver, log: new RecordedLog(), beliefs: () => new Map(beliefs) }
  const taken = new Census({ ...parts, onMissed: (each) => missed.push(each) })
  return { taken, beliefs, missed, stopped, lists: () => lists }
}

test('Census.take() tells an end that nobody told, and removes what nobody wants', async () => {
  const { taken, beliefs, missed, stopped } = census({ running: [running], ended: [] }, () => {})
  beliefs.set('r2', { run: 'alive', handle: 'h2' })
  await taken.take()
  expect(missed).toEqual([{ replica: 'r2', handle: 'h2', reason: 'it vanished' }])
  expect(stopped).toEqual(['r1'])
})

test('Census.take() leaves alone what was started or stopped while it looked', async () => {
  const look = census({ running: [running], ended: [] }, (beliefs) => {
    beliefs.set('r1', { run: 'alive', handle: 'h1' })
    beliefs.set('r2', { run: 'alive', handle: 'h2' })
  })
  await look.taken.take()
  expect([look.missed, look.stopped]).toEqual([[], []])
})

test('Census.take() concludes nothing while the runtime does not answer', async () => {
  const look = census(new Error('the Docker Engine does not answer'), () => {})
  look.beliefs.set('r1', { run: 'alive', handle: 'h1' })
  await look.taken.take()
  expect([look.missed, look.stopped]).toEqual([[], []])
})

test('Census.take() looks once more when it was asked meanwhile, and never twice at once', async () => {
  const look = census({ running: [], ended: [] }, () => {})
  await Promise.all([look.taken.take(), look.taken.take(), look.taken.take()])
  expect(look.lists()).toBe(2)
})
