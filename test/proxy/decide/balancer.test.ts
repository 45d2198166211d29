import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Balancer } from '../../../proxy/decide/balancer.ts'
import { Ejection } from '../../../proxy/decide/ejection.ts'
import { Permits } from '../../../proxy/decide/permits.ts'
import type { Endpoint } from '../../../shared/model.ts'

const NOBODY: ReadonlySet<string> = new Set()

function parts() {
  const ejection = new Ejection({ avoidMinMs: 1_000, avoidMaxMs: 30_000 })
  const permits = new Permits()
  return { ejection, permits, balancer: new Balancer(ejection, permits) }
}

function endpoints(...replicas: string[]): Endpoint[] {
  return replicas.map((replica) => {
    return {
      replica,
      node: 'n',
      host: '127.0.0.1',
      port: 1,
      suspect: replica.startsWith('suspect'),
    }
  })
}

function pickOf(balancer: Balancer, from: readonly Endpoint[], nowMs = 0): string | undefined {
  return balancer.pick(from, NOBODY, nowMs)?.replica
}

test('pick() gives each replica its turn, for each service on its own', () => {
  const { balancer } = parts()
  const [web, api] = [endpoints('w1', 'w2', 'w3'), endpoints('a1', 'a2')]
  const picks = { web: [] as unknown[], api: [] as unknown[] }
  for (let round = 0; round < 6; round += 1) {
    picks.web.push(pickOf(balancer, web))
    if (round % 2 === 0) picks.api.push(pickOf(balancer, api))
  }
  expect(picks.web).toEqual(['w1', 'w2', 'w3', 'w1', 'w2', 'w3'])
  expect(picks.api).toEqual(['a1', 'a2', 'a1'])
})

test('pick() is fair: without anything in flight, turns differ by one at most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(60), fc.nat(60), (size, own, other) => {
      const { balancer } = parts()
      const web = endpoints(...Array.from({ length: size }, (_, at) => `w${at}`))
      const api = endpoints('a1', 'a2', 'a3')
      const counts = new Map(web.map(({ replica }) => [replica, 0]))
      for (let round = 0; round < Math.max(own, other); round += 1) {
        if (round < other) pickOf(balancer, api)
        if (round >= own) continue
        const replica = pickOf(balancer, web) ?? ''
        counts.set(replica, (counts.get(replica) ?? 0) + 1)
      }
      expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1)
    }),
  )
})

test('pick() never lets requests in flight differ by more than one while none ends', () => {
  const { balancer } = parts()
  const web = endpoints('w1', 'w2', 'w3', 'w4')
  for (let round = 0; round < 50; round += 1) {
    balancer.started(pickOf(balancer, web) ?? '')
    const inFlight = web.map(({ replica }) => balancer.inFlight.get(replica) ?? 0)
    expect(Math.max(...inFlight) - Math.min(...inFlight)).toBeLessThanOrEqual(1)
  }
})

test('pick() prefers free permits, then others, then suspects, then the avoided', () => {
  const { balancer, permits, ejection } = parts()
  const all = endpoints('suspect', 'avoided', 'full', 'free')
  permits.put({ full: 1, free: 5, suspect: 5, avoided: 5 })
  balancer.started('full')
  for (let busy = 0; busy < 3; busy += 1) balancer.started('free')
  ejection.failed('avoided', 0)
  const order: unknown[] = []
  const tried = new Set<string>()
  for (let at = 0; at < 4; at += 1) {
    const replica = balancer.pick(all, tried, 10)?.replica ?? ''
    order.push(replica)
    tried.add(replica)
  }
  expect(order).toEqual(['free', 'full', 'suspect', 'avoided'])
  expect(balancer.pick(all, tried, 10)).toBeUndefined()
})

test('pick() uses avoided replicas when all are avoided', () => {
  const { balancer, ejection } = parts()
  ejection.failed('w1', 0)
  ejection.failed('w2', 0)
  expect([
    pickOf(balancer, endpoints('w1', 'w2')),
    pickOf(balancer, endpoints('w1', 'w2')),
  ]).toEqual(['w1', 'w2'])
})

test('pick() tries a replica with one request after its time out, and the rest once it answers', () => {
  const { balancer, ejection } = parts()
  const web = endpoints('good', 'bad')
  ejection.failed('bad', 0)
  expect([1, 2, 3].map(() => pickOf(balancer, web, 500))).toEqual(['good', 'good', 'good'])
  expect([1, 2, 3].map(() => pickOf(balancer, web, 1_000))).toEqual(['bad', 'good', 'good'])
  ejection.answered('bad')
  expect([1, 2].map(() => pickOf(balancer, web, 1_001))).toEqual(['bad', 'good'])
})

test('keepOnly() forgets replicas, but not what is in flight to them', () => {
  const { balancer } = parts()
  balancer.started('old')
  balancer.keepOnly(new Set(['new']))
  expect(balancer.inFlight.get('old')).toBe(1)
  expect(balancer.ended('old')).toBe(0)
  expect(balancer.inFlight.size).toBe(0)
})
