import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { BalancePolicy } from '../../../../shared/model.ts'
import { countsOf, Desk, endpoint } from '../support/desk.ts'

function desk(policy: BalancePolicy, weights: readonly number[]): Desk {
  const endpoints = weights.map((weight, at) => endpoint(`r${at}`, { weight }))
  const balance = { policy, sticky: 'none' } as const
  return new Desk({ endpoints, balance, rules: { latencyEjection: false } })
}

test('round-robin gives each its turn', () => {
  const picks = desk('round-robin', [1, 1, 1]).picks(6)
  expect(picks).toEqual(['r0', 'r1', 'r2', 'r0', 'r1', 'r2'])
})

test('round-robin spreads the turns of the heavier ones evenly', () => {
  const picks = desk('round-robin', [5, 1, 1]).picks(7)
  expect(picks).toEqual(['r0', 'r0', 'r1', 'r0', 'r2', 'r0', 'r0'])
})

test('round-robin gives everybody exactly its weight in every round', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
      (weights) => {
        const round = weights.reduce((sum, weight) => sum + weight, 0)
        const counts = countsOf(desk('round-robin', weights).picks(3 * round))
        expect(counts).toEqual(
          Object.fromEntries(weights.map((weight, at) => [`r${at}`, 3 * weight])),
        )
      },
    ),
  )
})

test('least-connections goes where the least is in flight, those that last included', () => {
  const at = desk('least-connections', [1, 1])
  at.queue.becameLasting(at.place())
  expect(at.picks(3)).toEqual(['r1', 'r0', 'r1'])
})

test('least-connections keeps what is in flight in proportion to the weights', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 5 }),
      (weights) => {
        const all = weights.reduce((sum, weight) => sum + weight, 0)
        const counts = countsOf(desk('least-connections', weights).picks(4 * all))
        for (const [at, weight] of weights.entries()) {
          expect(Math.abs((counts[`r${at}`] ?? 0) - 4 * weight)).toBeLessThanOrEqual(weight)
        }
      },
    ),
  )
})

test.each(['p2c', 'peak-ewma'] as const)(
  '%s takes the better of two, and never always the same',
  (policy) => {
    const at = desk(policy, [1, 1, 1, 1])
    for (let id = 0; id < 4; id += 1) at.teach(`r${id}`, 10)
    const counts = Object.values(countsOf(at.picks(400)))
    expect(counts).toHaveLength(4)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThan(12)
  },
)

test('peak-ewma shuns who was slow of late, and forgives with time', () => {
  const at = desk('peak-ewma', [1, 1])
  for (const id of ['r0', 'r1']) at.teach(id, 10)
  at.teach('r0', 1_000, 1)
  expect(countsOf(at.visits(50)).r1).toBe(50)
  at.nowMs = 120_000
  at.teach('r1', 10, 1)
  expect(at.place().id).toBe('r0')
})

test('peak-ewma gives a newcomer one request, and more once it has answered', () => {
  const at = desk('peak-ewma', [1, 1])
  at.teach('r1', 10)
  expect(countsOf(at.picks(10))).toEqual({ r0: 1, r1: 9 })
})

test.each<BalancePolicy>(['round-robin', 'least-connections', 'p2c', 'peak-ewma'])(
  '%s holds nobody back for a permit',
  (policy) => {
    const balance = { policy, sticky: 'none' } as const
    const at = new Desk({ replicas: ['a', 'b'], permits: 1, balance })
    expect(at.picks(50)).toHaveLength(50)
  },
)

test('another policy is in force from the next request on', () => {
  const at = new Desk({ replicas: ['a'], permits: 1 })
  at.place()
  expect(at.arrive('held')).toBe('waits')
  const balance = { policy: 'round-robin', sticky: 'none' } as const
  at.queue.update(
    {
      service: 's',
      name: 'web',
      objective: { percentile: 95, latencyTargetMs: 100 },
      routes: [],
      endpoints: [endpoint('a')],
      balance,
    },
    0,
  )
  expect(at.pump()).toEqual(['held > a'])
})
