import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Leavers } from '../../../proxy/decide/leavers.ts'
import { mergedMeasurements } from '../../../proxy/decide/merged-measurements.ts'
import type { ServiceMeasurement } from '../../../shared/protocol.ts'

function measured(service: string, arrivals: number, bucket = 10): ServiceMeasurement {
  const replica = {
    replica: 'r1',
    arrivals,
    errors: 1,
    inFlightAreaMs: 5,
    inFlight: 2,
    upstreamMs: 7,
  }
  return {
    ...{ service, arrivals, errors: 1, queued: 3, queueMs: 4 },
    latency: { sumMs: arrivals, buckets: [bucket, arrivals] },
    replicas: [replica],
  }
}

test('routes() answers the table of the slowest of all', () => {
  const leavers = new Leavers()
  expect(leavers.routes({ epoch: 2, seq: 7 })).toEqual({ epoch: 2, seq: 7 })
  leavers.hear('a', { routes: { epoch: 2, seq: 5 }, inFlight: {} })
  leavers.hear('b', { routes: { epoch: 1, seq: 90 }, inFlight: {} })
  leavers.hear('c', { routes: { epoch: 2, seq: 9 }, inFlight: {} })
  expect(leavers.routes({ epoch: 2, seq: 7 })).toEqual({ epoch: 1, seq: 90 })
  leavers.gone('b')
  expect(leavers.routes({ epoch: 2, seq: 7 })).toEqual({ epoch: 2, seq: 5 })
  leavers.clear()
  expect(leavers.routes({ epoch: 2, seq: 7 })).toEqual({ epoch: 2, seq: 7 })
})

test('inFlight() sums what all of them told last, until each is gone', () => {
  const leavers = new Leavers()
  const routes = { epoch: 1, seq: 1 }
  leavers.hear('a', { routes, inFlight: { r1: 2, r2: 1 } })
  leavers.hear('b', { routes, inFlight: { r1: 4 } })
  leavers.hear('a', { routes, inFlight: { r1: 1 } })
  expect(leavers.inFlight(new Map([['r1', 1]]))).toEqual({ r1: 6 })
  leavers.gone('b')
  expect(leavers.inFlight([])).toEqual({ r1: 1 })
  expect(leavers.isEmpty).toBe(false)
  leavers.gone('a')
  expect(leavers.isEmpty).toBe(true)
})

test('take() answers what was counted once', () => {
  const leavers = new Leavers()
  leavers.count([measured('web', 3)])
  leavers.count([measured('web', 4), measured('api', 1)])
  const taken = leavers.take()
  expect(taken.map(({ service, arrivals }) => [service, arrivals])).toEqual([
    ['web', 7],
    ['api', 1],
  ])
  expect(leavers.take()).toEqual([])
})

test('mergedMeasurements() adds up services, replicas and latencies', () => {
  const [web] = mergedMeasurements([measured('web', 3, 10)], [measured('web', 4, 20)])
  expect(web).toEqual({
    ...{ service: 'web', arrivals: 7, errors: 2, queued: 6, queueMs: 8 },
    latency: { sumMs: 7, buckets: [10, 3, 20, 4] },
    replicas: [
      { replica: 'r1', arrivals: 7, errors: 2, inFlightAreaMs: 10, inFlight: 4, upstreamMs: 14 },
    ],
  })
})

test('mergedMeasurements() keeps a histogram of a replica that only one of them sent', () => {
  const one = measured('web', 1)
  const histogram = { sumMs: 1, buckets: [3, 1] }
  const other = { ...one, replicas: one.replicas.map((replica) => ({ ...replica, histogram })) }
  const [merged] = mergedMeasurements([one], [other])
  expect(merged?.replicas[0]?.histogram).toEqual(histogram)
})

test('mergedMeasurements() loses no request, whatever both measured', () => {
  const list = fc.array(
    fc.record({ service: fc.constantFrom('a', 'b', 'c'), arrivals: fc.nat(1_000) }),
    { maxLength: 3 },
  )
  const once = (some: readonly { service: string; arrivals: number }[]) =>
    [...new Map(some.map((one) => [one.service, one])).values()].map(({ service, arrivals }) =>
      measured(service, arrivals),
    )
  fc.assert(
    fc.property(list, list, (ours, theirs) => {
      const [a, b] = [once(ours), once(theirs)]
      const sum = (some: readonly ServiceMeasurement[]) =>
        some.reduce((total, { arrivals }) => total + arrivals, 0)
      expect(sum(mergedMeasurements(a, b))).toBe(sum(a) + sum(b))
    }),
  )
})
