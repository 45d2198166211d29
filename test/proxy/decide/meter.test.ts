import { expect, test } from 'vitest'
import { latencyOf, Meter } from '../../../proxy/decide/meter.ts'
import { Reports } from '../../../proxy/decide/reports.ts'
import { Histogram } from '../../../shared/histogram.ts'
import type { ServiceMeasurement } from '../../../shared/protocol.ts'

const OBJECTIVE = { percentile: 95, latencyTargetMs: 100 }

function latenciesIn(measured: ServiceMeasurement | undefined): Histogram {
  const histogram = new Histogram()
  if (measured !== undefined) histogram.mergeWire(measured.latency)
  return histogram
}

test.each([
  { kind: 'answered', elapsedMs: 20, latency: 20, errors: 0 },
  { kind: 'failed', elapsedMs: 1, latency: 200, errors: 1 },
  { kind: 'failed', elapsedMs: 900, latency: 900, errors: 1 },
  { kind: 'aborted', elapsedMs: 99, latency: undefined, errors: 0 },
  { kind: 'aborted', elapsedMs: 101, latency: 101, errors: 0 },
] as const)('latencyOf() counts $latency ms for $kind after $elapsedMs ms', (row) => {
  const meter = new Meter()
  meter.arrived('s')
  const latencyMs = latencyOf(row.kind, row.elapsedMs, OBJECTIVE)
  expect(latencyMs).toBe(row.latency)
  meter.finished('s', { kind: row.kind, latencyMs }, OBJECTIVE)
  const [measured] = meter.cut(0)
  expect(measured).toMatchObject({ arrivals: 1, errors: row.errors })
  expect(latenciesIn(measured).count).toBe(row.latency === undefined ? 0 : 1)
})

test.each(['lasting', 'unserved'] as const)('latencyOf() counts no time of %s', (kind) => {
  expect(latencyOf(kind, 10, OBJECTIVE)).toBeUndefined()
})

test('cut() tells the integral of requests in flight, also of those that go on', () => {
  const meter = new Meter()
  meter.sent('s', 'r', 0)
  meter.sent('s', 'r', 100)
  meter.left('s', 'r', { upstreamMs: 200, failed: false, nowMs: 200 })
  expect(meter.cut(300)[0]?.replicas).toMatchObject([
    { replica: 'r', arrivals: 2, errors: 0, inFlight: 1, inFlightAreaMs: 400, upstreamMs: 200 },
  ])
  expect(meter.cut(1_300)[0]?.replicas).toEqual([
    { replica: 'r', arrivals: 0, errors: 0, inFlight: 1, inFlightAreaMs: 1_000, upstreamMs: 0 },
  ])
  meter.left('s', 'r', { upstreamMs: 1_300, failed: true, nowMs: 1_400 })
  expect(meter.cut(1_500)[0]?.replicas[0]).toMatchObject({ errors: 1, inFlight: 0 })
  expect(meter.cut(1_600)).toEqual([])
})

test('next() sends the same report until it is acknowledged, and then all that came since', () => {
  const meter = new Meter()
  const reports = new Reports(meter, 10_000, 0)
  meter.arrived('s')
  const first = reports.next(1_000)
  meter.arrived('s')
  expect(reports.next(2_000)).toBe(first)
  meter.arrived('s')
  reports.acknowledged(99)
  expect(reports.next(3_000)).toBe(first)
  reports.acknowledged(first.seq)
  const second = reports.next(4_000)
  expect([first.seq, second.seq]).toEqual([1, 2])
  expect([first.durationMs, second.durationMs]).toEqual([1_000, 3_000])
  expect([first, second].map(({ services }) => services[0]?.arrivals)).toEqual([1, 2])
})

test('forgetOld() drops what has become too old to be told as of now', () => {
  const meter = new Meter()
  const reports = new Reports(meter, 10_000, 0)
  reports.next(0)
  meter.arrived('s')
  expect(reports.forgetOld(10_000)).toBe(0)
  expect(reports.forgetOld(10_001)).toBe(1)
  reports.acknowledged(1)
  expect(reports.next(11_001)).toMatchObject({ durationMs: 1_000, services: [] })
})

test('isLate() says so as soon as too many of enough answers were slow, until the next cut', () => {
  const meter = new Meter()
  const objective = { percentile: 95, latencyTargetMs: 100 }
  for (let count = 0; count < 18; count += 1) {
    meter.finished('web', { kind: 'answered', latencyMs: 10 }, objective)
  }
  meter.finished('web', { kind: 'answered', latencyMs: 150 }, objective)
  expect(meter.isLate('web', objective)).toBe(false)
  meter.finished('web', { kind: 'answered', latencyMs: 150 }, objective)
  expect(meter.isLate('web', objective)).toBe(true)
  meter.cut(0)
  expect(meter.isLate('web', objective)).toBe(false)
})

test('finished() counts a request that nobody could be asked as an error, but not as slow', () => {
  const meter = new Meter()
  const objective = { percentile: 95, latencyTargetMs: 100 }
  meter.arrived('web')
  meter.finished('web', { kind: 'unserved', latencyMs: undefined }, objective)
  expect(meter.cut(0)).toMatchObject([{ arrivals: 1, errors: 1, latency: { buckets: [] } }])
})
