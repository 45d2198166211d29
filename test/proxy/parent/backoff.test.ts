import { expect, test } from 'vitest'
import { Backoff } from '../../../proxy/parent/backoff.ts'
import type { Clock } from '../../../shared/clock.ts'

/** A clock on which sleeping takes no time, and is written down. */
function dreaming() {
  const slept: number[] = []
  let nowMs = 0
  const clock: Clock = {
    nowMs: () => nowMs,
    sleep: async (ms) => {
      slept.push(ms)
      nowMs += ms
    },
  }
  const pass = (ms: number): void => {
    nowMs += ms
  }
  return { clock, slept, pass }
}

test('wait() pauses longer with each early death, up to a limit', async () => {
  const { clock, slept } = dreaming()
  const backoff = new Backoff(clock)
  const { signal } = new AbortController()
  for (let death = 0; death < 9; death += 1) await backoff.wait(signal)
  expect(slept).toEqual([0, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
})

test('wait() does not pause after one that served for long', async () => {
  const { clock, slept, pass } = dreaming()
  const backoff = new Backoff(clock)
  const { signal } = new AbortController()
  for (const servedMs of [100, 9_999, 10_000, 100]) {
    backoff.served()
    pass(servedMs)
    await backoff.wait(signal)
  }
  expect(slept).toEqual([0, 200, 0, 200])
})
