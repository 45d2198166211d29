import { expect, test } from 'vitest'
import { isTriedElsewhere } from '../../../master/cli/start-watch.ts'

const ready = { pool: 'platform', condition: 'ready' } as const
const [a, b] = [
  { ...ready, id: 'a' },
  { ...ready, id: 'b' },
]
const cases = [
  { what: 'another node is ready', count: 1, nodes: [a, b], tried: true },
  { what: 'there is no other node', count: 1, nodes: [a], tried: false },
  { what: 'it failed twice', count: 2, nodes: [a, b], tried: false },
  {
    what: 'the other one is a spare',
    count: 1,
    nodes: [a, { ...b, pool: 'standby' }],
    tried: false,
  },
  {
    what: 'the other one is lost',
    count: 1,
    nodes: [a, { ...b, condition: 'lost' }],
    tried: false,
  },
] as const

test.each(cases)('isTriedElsewhere() is $tried when $what', ({ count, nodes, tried }) => {
  expect(isTriedElsewhere({ count, lastAtMs: 0, nodes: ['a'] }, nodes)).toBe(tried)
})
