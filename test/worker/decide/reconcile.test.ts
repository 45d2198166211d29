import { expect, test } from 'vitest'
import { type Belief, reconcile } from '../../../worker/decide/reconcile.ts'

const alive = (handle: string): Belief => ({ run: 'alive', handle })
const none = { running: [], ended: [] }
const run = { replica: 'r1', handle: 'h1' }

const cases = [
  { what: 'nothing where both agree', found: { ...none, running: [run] }, belief: alive('h1') },
  { what: 'nothing of what is busy', found: none, belief: { run: 'busy' } },
  {
    what: 'nothing of a start under way',
    found: { ...none, running: [run] },
    belief: { run: 'busy' },
  },
  {
    what: 'an end with its reason',
    found: { running: [], ended: [{ ...run, reason: 'exited with code 3' }] },
    belief: alive('h1'),
    missed: [{ ...run, reason: 'exited with code 3' }],
  },
  {
    what: 'an end without a trace',
    found: none,
    belief: alive('h1'),
    missed: [{ ...run, reason: 'it vanished' }],
  },
  {
    what: 'what runs although it is dead here',
    found: { ...none, running: [run] },
    belief: { run: 'dead' },
    strays: ['r1'],
  },
  { what: 'what runs and is unknown', found: { ...none, running: [run] }, strays: ['r1'] },
  {
    what: 'what lies there and is unknown, once',
    found: { running: [run], ended: [{ ...run, handle: 'h0', reason: 'was never started' }] },
    strays: ['r1'],
  },
  {
    what: 'nothing of what lies there for whoever asks what it printed',
    found: { running: [], ended: [{ ...run, reason: 'exited with code 3' }] },
    belief: { run: 'dead' },
  },
] as const

test.each(cases)('reconcile() finds $what', (row) => {
  const { found } = row
  const beliefs = new Map('belief' in row ? [['r1', row.belief as Belief]] : [])
  expect(reconcile(found, beliefs)).toEqual({
    missed: 'missed' in row ? row.missed : [],
    strays: 'strays' in row ? row.strays : [],
  })
})
