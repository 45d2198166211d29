import { describe, expect, test } from 'vitest'
import {
  adopted,
  type Health,
  judge,
  type Outcome,
  phaseOf,
  probeAgainMs,
  sicknessOf,
  starting,
} from '../../../worker/decide/health.ts'

const CHECK = { failuresMax: 3, successesMin: 2, intervalMs: 10_000 }
const GOOD: Outcome = { kind: 'passed' }
const BAD: Outcome = { kind: 'failed', reason: 'GET / answered 500' }

/** `+` is a good probe, `-` a bad one; one every second. */
function timeline(probes: string): Health {
  return [...probes].reduce(
    (health, probe, at) => judge(health, probe === '+' ? GOOD : BAD, CHECK, (at + 1) * 1_000),
    starting(0),
  )
}

const cases = [
  { probes: '', kind: 'starting', sinceMs: 0 },
  { probes: '-----------', kind: 'starting', sinceMs: 0 },
  { probes: '+', kind: 'serving', sinceMs: 1_000 },
  { probes: '--+', kind: 'serving', sinceMs: 3_000 },
  { probes: '+--', kind: 'serving', sinceMs: 1_000 },
  { probes: '+--+--+--', kind: 'serving', sinceMs: 1_000 },
  { probes: '+---', kind: 'unhealthy', sinceMs: 4_000 },
  { probes: '+-----', kind: 'unhealthy', sinceMs: 4_000 },
  { probes: '+---+', kind: 'unhealthy', sinceMs: 4_000 },
  { probes: '+---+-+', kind: 'unhealthy', sinceMs: 4_000 },
  { probes: '+---++', kind: 'serving', sinceMs: 6_000 },
] as const
test.each(cases)('judge() says $kind since $sinceMs ms after "$probes"', (row) => {
  expect(timeline(row.probes)).toMatchObject({ kind: row.kind, sinceMs: row.sinceMs })
})

test('sicknessOf() calls for a restart after three times the failures that it took', () => {
  expect(sicknessOf(timeline('+--------'), CHECK)).toBeUndefined()
  expect(sicknessOf(timeline('+---------'), CHECK)).toBe(
    'failed 9 health checks in a row: GET / answered 500',
  )
  expect(sicknessOf(timeline('+--------+-'), CHECK)).toBeUndefined()
  expect(sicknessOf(timeline('--------------'), CHECK)).toBeUndefined()
})

test('probeAgainMs() asks a starting replica far more often than one that serves', () => {
  expect(probeAgainMs(timeline('-'), CHECK)).toBe(100)
  expect(probeAgainMs(timeline('+'), CHECK)).toBe(10_000)
  expect(probeAgainMs(timeline('+---'), CHECK)).toBe(10_000)
})

test('phaseOf() tells the reason only while it is unhealthy', () => {
  expect(phaseOf(timeline('+--'))).toEqual({ kind: 'serving', sinceMs: 1_000 })
  expect(phaseOf(timeline('+---'))).toMatchObject({ reason: 'GET / answered 500' })
})

describe('adopted()', () => {
  const run = { startedAtMs: 0, startMaxMs: 60_000 }
  test('keeps a replica that answers in rotation', () => {
    expect(adopted(GOOD, run, 500_000)).toMatchObject({ kind: 'serving' })
  })
  test('gives one that is still starting the rest of its time', () => {
    expect(adopted(BAD, run, 59_999)).toMatchObject({ kind: 'starting', sinceMs: 0 })
  })
  test('calls one that is past its start unhealthy, not late', () => {
    expect(adopted(BAD, run, 60_000)).toMatchObject({ kind: 'unhealthy', failures: 1 })
  })
})
