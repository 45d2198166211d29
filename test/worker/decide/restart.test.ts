import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  afterDeath,
  mayRestart,
  NEVER_STARTED,
  type RestartHistory,
} from '../../../worker/decide/restart.ts'

const LIMITS = { backoffMs: 1_000, backoffMaxMs: 60_000, calmAfterMs: 60_000, failedStartsMax: 3 }

function history(changes: Partial<RestartHistory>): RestartHistory {
  return { ...NEVER_STARTED, hasServed: true, reason: 'exited with code 1', ...changes }
}

const cases = [
  { deaths: 0, diedAgoMs: 0, verdict: 'start' },
  { deaths: 1, diedAgoMs: 999, verdict: 'wait' },
  { deaths: 1, diedAgoMs: 1_000, verdict: 'start' },
  { deaths: 3, diedAgoMs: 3_999, verdict: 'wait' },
  { deaths: 3, diedAgoMs: 4_000, verdict: 'start' },
  { deaths: 7, diedAgoMs: 59_999, verdict: 'wait' },
  { deaths: 7, diedAgoMs: 60_000, verdict: 'start' },
  { deaths: 5_000, diedAgoMs: 60_000, verdict: 'start' },
] as const
test.each(cases)('mayRestart() says $verdict after $deaths deaths, $diedAgoMs ms ago', (row) => {
  const died = history({ deaths: row.deaths, diedAtMs: 100_000 - row.diedAgoMs })
  expect(mayRestart(died, LIMITS, 100_000).kind).toBe(row.verdict)
})

test('mayRestart() gives up a replica that died three times before it ever served', () => {
  const dead = { deaths: 3, failedStarts: 3, hasServed: false }
  expect(mayRestart(history(dead), LIMITS, 1_000_000)).toEqual({
    kind: 'fail',
    reason: 'exited with code 1, 3 times before it ever served',
  })
})

test('mayRestart() never gives up a replica that has served', () => {
  const dead = { deaths: 50, failedStarts: 50, hasServed: true }
  expect(mayRestart(history(dead), LIMITS, 1_000_000).kind).toBe('start')
})

test('mayRestart() says why it waits in the same words every time it is asked', () => {
  const died = history({ deaths: 2, diedAtMs: 0 })
  expect(mayRestart(died, LIMITS, 10)).toEqual(mayRestart(died, LIMITS, 1_500))
})

test('afterDeath() counts deaths in a row until one follows a long calm', () => {
  const once = afterDeath(NEVER_STARTED, { atMs: 1, reason: 'x', servedMs: 5_000 }, LIMITS)
  const twice = afterDeath(once, { atMs: 2, reason: 'x', servedMs: 59_999 }, LIMITS)
  const calm = afterDeath(twice, { atMs: 3, reason: 'x', servedMs: 60_000 }, LIMITS)
  expect([once.deaths, twice.deaths, calm.deaths]).toEqual([1, 2, 1])
})

test('afterDeath() takes a death right after the first good probe for a failed start', () => {
  const died = afterDeath(NEVER_STARTED, { atMs: 1, reason: 'x', servedMs: 20 }, LIMITS)
  expect(died).toMatchObject({ failedStarts: 1, hasServed: false })
})

test('mayRestart() never starts anything twice within one backoff, whatever happened', () => {
  fc.assert(
    fc.property(fc.nat(200), fc.nat(10_000_000), fc.nat(10_000_000), (deaths, diedAtMs, nowMs) => {
      const verdict = mayRestart(history({ deaths, diedAtMs }), LIMITS, nowMs)
      if (deaths > 0 && nowMs - diedAtMs < LIMITS.backoffMs) expect(verdict.kind).toBe('wait')
      if (verdict.kind === 'wait') expect(verdict.untilMs).toBeGreaterThan(nowMs)
    }),
  )
})
