import { expect, test } from 'vitest'
import { balanceFigures } from './figures.ts'
import { outcomes, packed, ratio, type Summary, summary } from './outcome.ts'

test('outcomes() gives each proxy its latencies in the order they were meant in', () => {
  const records = new Float32Array([1, 0.2, 30, 0, 0.1, 10, 1, 0.1, 20, 0, 0.3, -1])
  expect(outcomes(records, ['a', 'b'])).toEqual([
    { proxy: 'a', latenciesMs: [10, -1] },
    { proxy: 'b', latenciesMs: [20, 30] },
  ])
})

test('summary() takes a failed request for late and for the slowest of all', () => {
  const latenciesMs = [...Array.from({ length: 998 }, (_, at) => (at + 1) / 10), 150, -1]
  const told = summary({ proxy: 'a', latenciesMs }, 100)
  expect(told).toMatchObject({ requests: 1_000, failed: 1, p50Ms: 50, p999Ms: 150 })
  expect(told.latePercent).toBeCloseTo(0.2)
})

test('packed() keeps hundredths of a millisecond, and failures', () => {
  expect(packed({ proxy: 'a', latenciesMs: [1.234, -1, 50] })).toBe('123 -1 5000')
})

test('ratio() is undefined where there is nothing to compare with', () => {
  expect(ratio(1, 4)).toBe(0.25)
  expect(ratio(1, 0)).toBeUndefined()
  expect(ratio(1, Number.NaN)).toBeUndefined()
})

function told(proxy: string, latePercent: number, p999Ms: number): Summary {
  const rest = { requests: 100, failed: 0, p50Ms: 1, p95Ms: 2, p99Ms: 3 }
  return { proxy, latePercent, p999Ms, ...rest }
}

test('balanceFigures() compares with the best of the peers, and with the queue by itself', () => {
  const { figures } = balanceFigures('slow', [
    told('ours', 1, 120),
    told('nginx-least_conn', 4, 300),
    told('haproxy-leastconn', 5, 240),
    told('haproxy-maxconn', 0.5, 100),
  ])
  expect(figures).toEqual({
    'late_ratio_best_peer.slow': 0.25,
    'p999_ratio_best_peer.slow': 0.5,
    'p999_ratio_haproxy_maxconn.slow': 1.2,
    'requests.slow': 100,
  })
})

test('balanceFigures() leaves out no figure when nobody is there to compare with', () => {
  const { figures, notes } = balanceFigures('stall', [told('ours', 1, 120)])
  expect(figures['late_ratio_best_peer.stall']).toBeNull()
  expect(notes['late_ratio_best_peer.stall']).toBe('there is nobody to compare with')
})
