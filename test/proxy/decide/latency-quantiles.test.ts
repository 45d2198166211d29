import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LatencyQuantiles } from '../../../proxy/decide/latency-quantiles.ts'
import { lognormal, randomOf, WEB } from './support/random.ts'

test('quantiles are within 7 % of the true ones', () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer({ min: 1, max: 1_000 }), (seed, scale) => {
      const quantiles = new LatencyQuantiles()
      const random = randomOf(seed)
      const all = Array.from({ length: 690 }, () => (scale * lognormal(random, WEB)) / 30)
      for (const ms of all) quantiles.add(ms)
      const sorted = all.toSorted((a, b) => a - b)
      const near = (ms: number, share: number): void => {
        const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0
        expect(Math.abs(ms - exact) / exact).toBeLessThan(0.07)
      }
      near(quantiles.medianMs, 0.5)
      near(quantiles.p99Ms, 0.99)
    }),
    { numRuns: 50 },
  )
})

test('nothing is known from a few answers', () => {
  const quantiles = new LatencyQuantiles()
  for (let at = 0; at < 49; at += 1) quantiles.add(10)
  expect(quantiles.areKnown).toBe(false)
  quantiles.add(10)
  expect(quantiles.areKnown).toBe(true)
})

test('what was long ago counts ever less', () => {
  const quantiles = new LatencyQuantiles()
  for (let at = 0; at < 20_000; at += 1) quantiles.add(10)
  for (let at = 0; at < 20_000; at += 1) quantiles.add(100)
  expect(quantiles.medianMs).toBeGreaterThan(90)
})

test('any time has its place', () => {
  const quantiles = new LatencyQuantiles()
  for (const ms of [0, -1, 0.0004, 1e9]) for (let at = 0; at < 100; at += 1) quantiles.add(ms)
  expect(quantiles.p99Ms).toBeGreaterThan(3_000_000)
})
