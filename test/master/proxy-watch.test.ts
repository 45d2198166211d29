import { expect, test } from 'vitest'
import { ProxyWatch } from '../../master/proxy-watch.ts'
import type { Measurements } from '../../shared/protocol.ts'

function watching(...proxies: string[]): ProxyWatch {
  const watch = new ProxyWatch({ leaseMs: 5_000, lostDemandMs: 60_000 })
  for (const proxy of proxies) {
    watch.join({ wire: 1, proxy, boot: 'b1', port: 1, adminPort: 2 }, '127.0.0.1', 0)
  }
  return watch
}

function sent(proxy: string, seq: number, arrivals = 0, boot = 'b1'): Measurements {
  const replica = {
    replica: 'r1',
    arrivals,
    errors: 0,
    inFlightAreaMs: 0,
    inFlight: 0,
    upstreamMs: 0,
  }
  const latency = { sumMs: 0, buckets: [] }
  const counts = { arrivals, errors: 0, queued: 0, queueMs: 0 }
  const service = { service: 'web', ...counts, latency, replicas: [replica] }
  const routes = { epoch: 1, seq: 1 }
  return { wire: 1, proxy, boot, seq, durationMs: 1_000, routes, services: [service], inFlight: {} }
}

test('hear() tells strangers to register and counts nothing twice', () => {
  const watch = watching('p1')
  expect(watch.hear(sent('p9', 1), 0)).toBe('unknown')
  expect(watch.hear(sent('p1', 1, 0, 'b2'), 0)).toBe('unknown')
  expect(watch.hear(sent('p1', 1), 0)).toBe('new')
  expect(watch.hear(sent('p1', 1), 0)).toBe('repeated')
  expect(watch.hear(sent('p1', 2), 0)).toBe('new')
})

test('isComplete() is false without proxies, and for a minute after one vanished', () => {
  expect(watching().isComplete(0)).toBe(false)
  const watch = watching('p1', 'p2')
  watch.hear(sent('p1', 1), 4_000)
  expect(watch.isComplete(4_900)).toBe(true)
  watch.hear(sent('p1', 2), 59_000)
  expect(watch.isComplete(59_000)).toBe(false)
  expect(watch.isComplete(60_000)).toBe(true)
})

test('isComplete() does not wait for a proxy that said goodbye', () => {
  const watch = watching('p1', 'p2')
  watch.leave('p2')
  watch.hear(sent('p1', 1), 20_000)
  expect(watch.isComplete(20_000)).toBe(true)
})

const r1 = { replica: 'r1', service: 'web', permits: 16 }

test('permits() are shared by demand, never below one, and go to others after a silence', () => {
  const watch = watching('p1', 'p2')
  watch.hear(sent('p1', 1, 99), 1_000)
  watch.hear(sent('p2', 1, 0), 1_000)
  expect(watch.permits('p1', [r1], 1_000)).toEqual({ r1: 15 })
  expect(watch.permits('p2', [r1], 1_000)).toEqual({ r1: 1 })
  watch.hear(sent('p2', 2, 0), 7_000)
  expect(watch.permits('p2', [r1], 7_000)).toEqual({ r1: 16 })
})

test('join() of the same process keeps what it told; another process starts anew', () => {
  const watch = watching('p1')
  watch.hear(sent('p1', 4), 0)
  watch.join({ wire: 1, proxy: 'p1', boot: 'b1', port: 1, adminPort: 2 }, '127.0.0.1', 10)
  expect(watch.hear(sent('p1', 4), 10)).toBe('repeated')
  watch.join({ wire: 1, proxy: 'p1', boot: 'b2', port: 1, adminPort: 2 }, '127.0.0.1', 20)
  expect(watch.hear(sent('p1', 1, 0, 'b2'), 20)).toBe('new')
})
