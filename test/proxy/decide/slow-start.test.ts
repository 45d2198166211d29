import { expect, test } from 'vitest'
import { countsOf, Desk, endpoint } from './support/desk.ts'

function grown(rules = {}): Desk {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 4, rules })
  for (const id of ['a', 'b']) desk.teach(id, 10)
  desk.queue.put(new Map(['a', 'b', 'n'].map((id) => [id, 4])))
  desk.table(['a', 'b', 'n'].map((id) => endpoint(id)))
  return desk
}

test('a new replica has one request at once, and one more with each quick answer', () => {
  const desk = grown()
  expect(countsOf(desk.picks(6)).n).toBe(1)
  desk.end(desk.state('n'), { upstreamMs: 15 })
  expect(countsOf(desk.picks(3)).n).toBe(2)
})

test.each([
  { nowMs: 9_999, taken: 1 },
  { nowMs: 10_000, taken: 2 },
])('slow answers do not warm it up, time does: $taken at once after $nowMs ms', (row) => {
  const desk = grown()
  desk.teach('n', 21, 3)
  desk.nowMs = row.nowMs
  expect(countsOf(desk.picks(6)).n).toBe(row.taken)
})

test('where all are new, none is held back', () => {
  const desk = new Desk({ replicas: ['a', 'b'], permits: 4 })
  expect(countsOf(desk.picks(8))).toEqual({ a: 4, b: 4 })
  const replaced = grown()
  replaced.table([endpoint('n')])
  expect(replaced.picks(4)).toEqual(['n', 'n', 'n', 'n'])
})

test('without the rule it has its share at once', () => {
  expect(countsOf(grown({ slowStart: false }).picks(6)).n).toBe(2)
})
