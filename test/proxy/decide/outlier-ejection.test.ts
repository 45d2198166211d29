import { expect, test } from 'vitest'
import { countsOf, Desk, endpoint } from './support/desk.ts'

const ROUND_ROBIN = { policy: 'round-robin', sticky: 'none' } as const

function desk(replicas = ['a', 'b', 'c', 'd']): Desk {
  return new Desk({ replicas, permits: 8, balance: ROUND_ROBIN })
}

test('a replica is ejected after five failures in a row, and no sooner', () => {
  const at = desk()
  at.fail('a', 4)
  at.teach('a', 10, 1)
  at.fail('a', 4)
  expect(at.state('a').trouble.isEjected).toBe(false)
  at.fail('a', 1)
  expect(at.state('a').trouble.cause).toBe('unreachable')
  expect(countsOf(at.visits(9))).toEqual({ b: 3, c: 3, d: 3 })
})

test('what says nothing about the replica counts neither way', () => {
  const at = desk()
  at.fail('a', 4)
  at.fail('a', 5, { kind: 'stale' })
  at.fail('a', 5, { kind: 'aborted' })
  expect(at.state('a').trouble.isEjected).toBe(false)
  at.fail('a', 1, { kind: 'timeout' })
  expect(at.state('a').trouble.isEjected).toBe(true)
})

test('one request tries it after its time is over; the others go on avoiding it', () => {
  const at = desk(['a', 'b'])
  at.fail('a', 5)
  at.nowMs = 999
  expect(at.picks(2)).toEqual(['b', 'b'])
  at.nowMs = 1_000
  expect(countsOf(at.picks(4))).toEqual({ a: 1, b: 3 })
  at.queue.answered(at.state('a'), at.nowMs)
  expect(countsOf(at.picks(4))).toEqual({ a: 2, b: 2 })
})

test('each failed trial doubles the time out, up to its maximum', () => {
  const at = desk(['a', 'b'])
  at.fail('a', 5)
  const times: number[] = []
  for (let trial = 0; trial < 7; trial += 1) {
    const { trouble } = at.state('a')
    times.push(trouble.untilMs - at.nowMs)
    at.nowMs = trouble.untilMs
    const tried = [at.place(), at.place()].find(({ id }) => id === 'a')
    if (tried === undefined) throw new Error('nobody tried it')
    at.end(tried, { kind: 'failed', status: 0, upstreamMs: 1 })
  }
  expect(times).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000])
})

test('a trial that its client left makes room for the next one', () => {
  const at = desk(['a', 'b'])
  at.fail('a', 5)
  at.nowMs = 1_000
  const tried = [at.place(), at.place()].find(({ id }) => id === 'a')
  if (tried === undefined) throw new Error('nobody tried it')
  at.end(tried, { kind: 'aborted', status: 0, upstreamMs: 0 })
  expect(tried.trouble.mayBeTried(1_000)).toBe(true)
})

test('requests that were under way when it fell out tell nothing new', () => {
  const at = desk(['a', 'b'])
  const old = [at.place(), at.place()].find(({ id }) => id === 'a')
  if (old === undefined) throw new Error('nobody is with it')
  at.fail('a', 5, { status: 500, kind: 'answered' })
  at.nowMs = 1_000
  at.picks(2)
  at.end(old, { kind: 'failed', upstreamMs: 1_000 })
  expect(at.state('a').trouble.untilMs).toBe(1_000)
  expect(at.state('a').trouble.trialAtMs).toBe(1_000)
})

test('at most half are ejected; the last resort is asked all the same', () => {
  const at = desk(['a', 'b', 'c'])
  for (const id of ['a', 'b', 'c']) at.fail(id, 5)
  expect(['a', 'b', 'c'].map((id) => at.state(id).trouble.isEjected)).toEqual([true, false, false])
  at.table([endpoint('a'), endpoint('b')])
  at.table([endpoint('a')])
  expect(at.state('a').trouble.isEjected).toBe(false)
  expect(at.place().id).toBe('a')
})

test('errors eject only who has more of them than the others', () => {
  const errors = { kind: 'answered', status: 500 } as const
  const alone = desk()
  alone.fail('a', 5, errors)
  expect(alone.state('a').trouble.cause).toBe('errors')
  const all = desk()
  for (let round = 0; round < 20; round += 1) {
    for (const id of ['a', 'b', 'c', 'd']) all.fail(id, 1, errors)
  }
  expect(['a', 'b', 'c', 'd'].some((id) => all.state(id).trouble.isEjected)).toBe(false)
})

test('a slow replica is ejected where the policy does not avoid it, and comes back when quick', () => {
  const at = desk()
  for (const id of ['b', 'c', 'd']) at.teach(id, 10)
  at.teach('a', 31)
  expect(at.state('a').trouble.cause).toBe('slow')
  at.nowMs = 1_000
  const quick = [1, 2, 3, 4].map(() => at.place()).find(({ id }) => id === 'a')
  if (quick === undefined) throw new Error('nobody tried it')
  at.end(quick, { kind: 'answered', upstreamMs: 0.5 })
  expect(at.state('a').trouble.isEjected).toBe(false)
  const queue = new Desk({ replicas: ['a', 'b', 'c'], permits: 8 })
  for (const id of ['b', 'c']) queue.teach(id, 10)
  queue.teach('a', 31)
  expect(queue.state('a').trouble.isEjected).toBe(false)
})

test('one that has requests and says nothing is left out until it speaks', () => {
  const at = desk(['a', 'b', 'c'])
  for (const id of ['a', 'b', 'c']) at.teach(id, 10)
  const a = [at.place(), at.place(), at.place()].find(({ id }) => id === 'a')
  if (a === undefined) throw new Error('nobody is with it')
  at.nowMs = 150
  for (const id of ['b', 'c']) at.end(at.state(id), { upstreamMs: 150, kind: 'answered' })
  at.nowMs = 201
  expect(countsOf(at.visits(6, 1))).toEqual({ b: 3, c: 3 })
  at.end(a, { upstreamMs: 201 })
  expect(at.state('a').speed.meanMs).toBe(10)
  expect(countsOf(at.visits(6, 1))).toEqual({ a: 2, b: 2, c: 2 })
})

test('one that stalls again and again, or until all give up on it, is ejected', () => {
  const again = desk()
  for (const id of ['a', 'b', 'c', 'd']) again.teach(id, 10)
  for (let stall = 0; stall < 2; stall += 1) {
    again.state('a').taken(0, again.nowMs)
    again.nowMs += 300
    again.end(again.state('a'), { upstreamMs: 300 })
  }
  expect(again.state('a').trouble.cause).toBe('stalls')
  const given = desk()
  for (const id of ['a', 'b', 'c', 'd']) given.teach(id, 10)
  given.state('a').taken(0, 0)
  given.nowMs = 300
  given.end(given.state('a'), { kind: 'aborted', status: 0, upstreamMs: 300 })
  expect(given.state('a').trouble.cause).toBe('stalls')
})
