import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Histogram } from '../../shared/histogram.ts'

const latencies = fc.array(fc.double({ min: 0.001, max: 100_000, noNaN: true }), { minLength: 1 })

function of(values: readonly number[]): Histogram {
  const histogram = new Histogram()
  for (const ms of values) histogram.add(ms)
  return histogram
}

function exact(values: readonly number[], percentile: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(1, Math.ceil((percentile / 100) * sorted.length)) - 1] ?? 0
}

test('percentileMs() is off by at most 2 % and the microsecond of rounding', () => {
  fc.assert(
    fc.property(latencies, fc.integer({ min: 0, max: 100 }), (values, percentile) => {
      const truth = exact(values, percentile)
      const error = Math.abs(of(values).percentileMs(percentile) - truth)
      expect(error).toBeLessThanOrEqual(truth * 0.02 + 0.001)
    }),
  )
})

test('merge() and mergeWire() of parts equal the whole', () => {
  fc.assert(
    fc.property(latencies, latencies, (one, other) => {
      const whole = of([...one, ...other])
      const merged = of(one)
      merged.merge(of(other))
      const travelled = of(one)
      travelled.mergeWire(JSON.parse(JSON.stringify(of(other).encode())))
      for (const sum of [merged, travelled]) {
        expect(sum.encode().buckets).toEqual(whole.encode().buckets)
        expect(sum.count).toBe(whole.count)
        expect(sum.meanMs).toBeCloseTo(whole.meanMs, 6)
      }
    }),
  )
})

test('countUpTo() grows with the edge and ends at the count', () => {
  fc.assert(
    fc.property(latencies, (values) => {
      const histogram = of(values)
      const counts = [0, 1, 5, 10, 100, 1_000, 10_000, 200_000].map((ms) => histogram.countUpTo(ms))
      expect(counts).toEqual([...counts].sort((a, b) => a - b))
      expect(counts.at(-1)).toBe(values.length)
    }),
  )
})

test('Histogram takes what a broken clock may give', () => {
  const histogram = of([-5, 0, 1e12])
  expect(histogram.count).toBe(3)
  expect(histogram.percentileMs(1)).toBe(0)
  expect(histogram.percentileMs(100)).toBeGreaterThan(4_000_000)
})

test('Histogram is empty at the start and after clear()', () => {
  const cleared = of([1, 2, 3])
  cleared.clear()
  for (const histogram of [new Histogram(), cleared]) {
    expect([histogram.count, histogram.meanMs, histogram.percentileMs(95)]).toEqual([0, 0, 0])
    expect(histogram.encode()).toEqual({ sumMs: 0, buckets: [] })
  }
})
