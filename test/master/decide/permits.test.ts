import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Permits, shareOf } from '../../../master/decide/permits.ts'
import { ProxyWatch } from '../../../master/proxy-watch.ts'
import { QueueingWorld, type WorldShape } from '../../shared/support/queueing-world.ts'
import { specNamed } from '../../support/worlds.ts'

const shares = [
  { permits: 16, demands: [99, 1], expected: [15, 1] },
  { permits: 16, demands: [1, 1], expected: [8, 8] },
  { permits: 16, demands: [5], expected: [16] },
  { permits: 2, demands: [1, 1, 1], expected: [1, 1, 1] },
  { permits: 10, demands: [0, 0], expected: [5, 5] },
]
test.each(shares)('shareOf() divides $permits by $demands into $expected', (row) => {
  const demanded = row.demands.map((demand, at) => ({ proxy: `p${at}`, demand }))
  const parts = demanded.map(({ proxy }) => shareOf(proxy, 'r1', row.permits, demanded))
  expect(parts).toEqual(row.expected)
})

test('shareOf() gives each proxy one, and all together the permits', () => {
  const demands = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(demands, fc.integer({ min: 1, max: 5_000 }), (each, permits) => {
      const demanded = each.map((demand, at) => ({ proxy: `p${at}`, demand }))
      const parts = demanded.map(({ proxy }) => shareOf(proxy, 'r1', permits, demanded))
      expect(Math.min(...parts)).toBeGreaterThanOrEqual(1)
      const sum = parts.reduce((total, part) => total + part, 0)
      expect(sum).toBe(Math.max(permits, each.length))
    }),
  )
})

test('shareOf() gives what cannot be divided to one proxy here, to another there', () => {
  const demanded = ['p1', 'p2'].map((proxy) => ({ proxy, demand: 1 }))
  const replicas = Array.from({ length: 40 }, (_, at) => `replica-${at}`)
  const parts = replicas.map((replica) => shareOf('p1', replica, 3, demanded))
  const sum = parts.reduce((total, part) => total + part, 0)
  expect(sum).toBeGreaterThan(45)
  expect(sum).toBeLessThan(75)
})

test('of() is what the user said, where he said it', () => {
  const permits = new Permits()
  const fixed = { id: 'web', spec: specNamed('web', { concurrency: 7 }) }
  expect(permits.of(fixed, 'r1')).toBe(7)
  expect(permits.isLearned(fixed)).toBe(true)
  const free = { id: 'web', spec: specNamed('web') }
  expect(permits.of(free, 'r1')).toBe(16)
  expect(permits.isLearned(free)).toBe(false)
})

/** The master's side of several proxies. */
class Master {
  readonly permits = new Permits()
  readonly watch = new ProxyWatch({ leaseMs: 5_000, lostDemandMs: 60_000 })
  readonly service = { id: 'web', spec: specNamed('web') }
  readonly world: QueueingWorld

  constructor(shape: WorldShape) {
    shape.rates.forEach((_, at) => {
      const join = { wire: 1, proxy: `p${at + 1}`, boot: 'b', port: 1, adminPort: 2 } as const
      this.watch.join(join, '127.0.0.1', 0)
    })
    this.world = new QueueingWorld(shape, ({ proxy, seq, durationMs, nowMs, measured }) => {
      const services = [measured]
      const routes = { epoch: 1, seq: 1 }
      const about = { wire: 1, proxy, boot: 'b', seq, durationMs, routes } as const
      this.watch.hear({ ...about, services, inFlight: {} }, nowMs)
      this.permits.hear({ reporter: proxy, durationMs, services }, nowMs)
      return this.watch.permits(proxy, this.all(), nowMs)
    })
  }

  all() {
    return this.world.replicas.map(({ id: replica }) => ({
      replica,
      service: 'web',
      permits: this.permits.of(this.service, replica),
    }))
  }

  get perReplica(): number {
    return this.permits.of(this.service, 'r1')
  }
}

test('two proxies of unlike demand learn together what one replica does', () => {
  const slots = { slots: 2, serviceMs: 30 }
  const master = new Master({ ...slots, rates: [250, 50], slowness: [1, 1, 1, 1] })
  master.world.run(40)
  expect(master.perReplica).toBeGreaterThanOrEqual(2)
  expect(master.perReplica).toBeLessThanOrEqual(4)
  expect(master.world.inFlight('r1')).toBeLessThanOrEqual(5)
})

test('two proxies of unlike demand grow together when latency stays flat', () => {
  const master = new Master({ slots: 200, serviceMs: 50, rates: [2_000, 200], slowness: [1] })
  master.world.run(20)
  expect(master.perReplica).toBeGreaterThanOrEqual(110)
  expect(master.world.waiting).toBeLessThan(50)
})

test('two proxies report every 200 ms and teach the same', () => {
  const slots = { slots: 2, serviceMs: 30, reportEveryMs: 200 }
  const master = new Master({ ...slots, rates: [150, 150], slowness: [1, 1, 1, 1] })
  master.world.run(40)
  expect(master.perReplica).toBeGreaterThanOrEqual(2)
  expect(master.perReplica).toBeLessThanOrEqual(5)
})
