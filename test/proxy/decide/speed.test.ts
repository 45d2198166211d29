import { expect, test } from 'vitest'
import { Speed } from '../../../proxy/decide/speed.ts'

function taught(upstreamMs: number, times: number, speed = new Speed()): Speed {
  for (let time = 0; time < times; time += 1) speed.learn(upstreamMs, 0)
  return speed
}

test('learn() follows what lasts, and shrugs off a single stall', () => {
  const speed = taught(30, 50)
  speed.learn(2_000, 0)
  expect(speed.meanMs).toBeLessThanOrEqual(36)
  expect(taught(90, 40, speed).meanMs).toBeGreaterThan(85)
})

test('expectedMs() trusts a newcomer as much as the others', () => {
  expect(taught(300, 3).expectedMs(30, 0)).toBe(30)
  expect(taught(300, 8).expectedMs(30, 0)).toBeCloseTo(300)
})

test('expectedMs() lets slowness fade while nothing is learned, never speed', () => {
  const slow = taught(90, 20)
  expect(slow.expectedMs(30, 10_000)).toBeCloseTo(30 + 60 / Math.E)
  expect(taught(10, 20).expectedMs(30, 60_000)).toBeCloseTo(10)
})

test('peakNowMs() jumps to the worst and fades from it', () => {
  const speed = new Speed()
  speed.learnPeak(10, 0)
  speed.learnPeak(500, 0)
  speed.learnPeak(10, 0)
  expect(speed.peakNowMs(0)).toBe(500)
  expect(speed.peakNowMs(10_000)).toBeCloseTo(500 / Math.E)
})
