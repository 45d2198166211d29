import { expect, test } from 'vitest'
import { DemandWindows } from '../../../master/decide/demand.ts'
import { Histogram } from '../../../shared/histogram.ts'
import type { Service } from '../../../shared/model.ts'
import type { ServiceMeasurement } from '../../../shared/protocol.ts'
import { specNamed } from '../../support/worlds.ts'

const LIMITS = { samplesMin: 20, recentMaxMs: 10_000, windowMs: 10_000, windowsMax: 30 }
const ABOUT = { percentile: 95, durationMs: 1_000, replicas: 1 }
const web: Service = {
  id: 'web',
  spec: specNamed('web'),
  revision: 1,
  replicas: 1,
  createdAtMs: 0,
  previous: [],
}

function measured(requests: number, latencyMs: number, errors = 0): ServiceMeasurement {
  const histogram = new Histogram()
  for (let count = 0; count < requests; count += 1) histogram.add(latencyMs)
  const { sumMs, buckets } = histogram.encode()
  const latency = { sumMs, buckets: [...buckets] }
  return {
    service: 'web',
    arrivals: requests,
    errors,
    queued: 0,
    queueMs: 0,
    latency,
    replicas: [],
  }
}

test('demandOf() judges the shortest stretch that holds enough requests', () => {
  const demand = new DemandWindows(LIMITS, 0)
  demand.add(measured(100, 10), ABOUT, 1_000)
  demand.add(measured(100, 150), ABOUT, 2_000)
  const { recent } = demand.demandOf(web, 2_000)
  expect(recent).toMatchObject({ fromMs: 1_000, toMs: 2_000, requests: 100 })
  expect(recent?.percentileMs).toBeGreaterThan(145)
})

test('demandOf() reaches further back for a quiet service, and says nothing of a silent one', () => {
  const demand = new DemandWindows(LIMITS, 0)
  for (let second = 1; second <= 5; second += 1) demand.add(measured(5, 10), ABOUT, second * 1_000)
  expect(demand.demandOf(web, 5_000).recent).toMatchObject({ fromMs: 1_000, requests: 20 })
  expect(demand.demandOf(web, 13_500).recent).toBeUndefined()
  expect(demand.demandOf({ ...web, id: 'other' }, 5_000).recent).toBeUndefined()
})

test('demandOf() merges what several proxies told at one moment', () => {
  const demand = new DemandWindows(LIMITS, 0)
  demand.add(measured(90, 10), ABOUT, 1_000)
  demand.add(measured(10, 500, 3), ABOUT, 1_050)
  const { recent } = demand.demandOf(web, 1_050)
  expect(recent).toMatchObject({ requests: 100, errors: 3 })
  expect(recent?.percentileMs).toBeGreaterThan(490)
})

test('tick() closes windows, also empty ones, but none in which a proxy was silent', () => {
  const demand = new DemandWindows(LIMITS, 0)
  demand.add(measured(50, 10), ABOUT, 4_000)
  demand.tick(10_000, true)
  demand.tick(20_000, true)
  demand.tick(24_000, false)
  demand.tick(30_000, true)
  demand.tick(40_000, true)
  const { windows } = demand.demandOf(web, 40_000)
  expect(windows.map(({ toMs, requests }) => [toMs, requests])).toEqual([
    [10_000, 50],
    [20_000, 0],
    [40_000, 0],
  ])
})

test('demandOf() tells a stall from slowness: only slowness is over in both stretches', () => {
  const stall = new DemandWindows(LIMITS, 0)
  stall.add(measured(100, 10), ABOUT, 1_000)
  stall.add(measured(40, 250), { ...ABOUT, durationMs: 300 }, 1_300)
  stall.add(measured(40, 180), { ...ABOUT, durationMs: 200 }, 1_500)
  expect(stall.demandOf(web, 1_500).recent?.percentileMs).toBeGreaterThan(100)
  expect(stall.demandOf(web, 1_500).before?.percentileMs).toBeLessThan(20)
  const slow = stall
  slow.add(measured(40, 150), { ...ABOUT, durationMs: 200 }, 1_700)
  expect(slow.demandOf(web, 1_700).before?.percentileMs).toBeGreaterThan(100)
})

test('demandOf() tells of requests that came while none was wanted, for two seconds', () => {
  const demand = new DemandWindows(LIMITS, 0)
  const replica = { replica: 'r1', errors: 0, inFlightAreaMs: 0, inFlight: 0, upstreamMs: 0 }
  const taken = { ...measured(5, 10), replicas: [{ ...replica, arrivals: 5 }] }
  const atZero = { ...ABOUT, replicas: 0 }
  demand.add({ ...taken, arrivals: 6 }, ABOUT, 500)
  demand.add(taken, atZero, 1_000)
  expect(demand.demandOf(web, 1_000).unmet).toBeUndefined()
  demand.add({ ...taken, arrivals: 6 }, atZero, 2_000)
  expect(demand.demandOf(web, 3_900).unmet).toBe(true)
  expect(demand.demandOf(web, 4_000).unmet).toBeUndefined()
  demand.add({ ...measured(0, 10), queued: 1 }, atZero, 5_000)
  expect(demand.demandOf(web, 5_000).unmet).toBe(true)
})

test('keepOnly() forgets who asked for the first replica once there is one', () => {
  const demand = new DemandWindows(LIMITS, 0)
  demand.add({ ...measured(0, 10), queued: 1 }, { ...ABOUT, replicas: 0 }, 1_000)
  const atZero = { ...web, replicas: 0 }
  demand.keepOnly(new Map([[web.id, atZero]]))
  expect(demand.demandOf(atZero, 1_100).unmet).toBe(true)
  demand.keepOnly(new Map([[web.id, { ...web, replicas: 1 }]]))
  expect(demand.demandOf(atZero, 1_200).unmet).toBeUndefined()
})
