import { expect, test } from 'vitest'
import { drained } from '../../../master/decide/drain.ts'
import type { ProxyObservation } from '../../../master/decide/observed.ts'
import { LIMITS, SeenWorld } from '../../support/worlds.ts'

const NOW = 1_000_000
const replica = { id: 'r1', service: 'web', revision: 1, createdAtMs: 0, node: 'n1' }

function proxy(changes: Partial<ProxyObservation> & { busy?: number } = {}): ProxyObservation {
  const inFlight = new Map([['r1', changes.busy ?? 0]])
  return { seenAtMs: NOW, routes: { epoch: 1, seq: 7 }, inFlight, ...changes }
}

const cases = [
  { why: 'every proxy acknowledged', proxies: [proxy(), proxy()], done: true },
  { why: 'there is no proxy', proxies: [], done: true },
  {
    why: 'one proxy still uses the older table',
    proxies: [proxy(), proxy({ routes: { epoch: 1, seq: 6 } })],
    done: false,
  },
  {
    why: 'a proxy follows an older master',
    proxies: [proxy({ routes: { epoch: 0, seq: 99 } })],
    done: false,
  },
  { why: 'a request is still in flight', proxies: [proxy({ busy: 1 })], done: false },
  {
    why: 'the only other proxy is gone',
    proxies: [proxy(), proxy({ seenAtMs: NOW - 5_000, busy: 1 })],
    done: true,
  },
]
test.each(cases)('drained() is $done when $why', ({ proxies, done }) => {
  const seen = new SeenWorld()
  seen.routes = { revision: { epoch: 1, seq: 9 }, routed: new Set(), retired: new Map([['r1', 7]]) }
  proxies.forEach((given, at) => {
    seen.proxies.set(`p${at}`, given)
  })
  const draining = { ...replica, drainingSinceMs: NOW - 1_000 }
  expect(drained(draining, seen, LIMITS, NOW) !== undefined).toBe(done)
})

test('drained() waits for the table without the replica to be published', () => {
  const seen = new SeenWorld()
  seen.routes = { revision: { epoch: 1, seq: 9 }, routed: new Set(['r1']), retired: new Map() }
  const draining = { ...replica, drainingSinceMs: NOW - 1_000 }
  expect(drained(draining, seen, LIMITS, NOW)).toBeUndefined()
  seen.routes = { routed: new Set(), retired: new Map() }
  expect(drained(draining, seen, LIMITS, NOW)).toBeUndefined()
})

test('drained() gives proxies time to show themselves to a fresh master', () => {
  const seen = new SeenWorld()
  seen.sinceMs = NOW - 4_000
  const draining = { ...replica, drainingSinceMs: NOW - 1_000 }
  expect(drained(draining, seen, LIMITS, NOW)).toBeUndefined()
  expect(drained(draining, seen, LIMITS, NOW + 1_000)).toBe('drained')
})

test('drained() ends after its grace whatever proxies say', () => {
  const seen = new SeenWorld()
  seen.routes = { revision: { epoch: 1, seq: 9 }, routed: new Set(), retired: new Map([['r1', 7]]) }
  seen.proxies.set('p', proxy({ busy: 3 }))
  const draining = { ...replica, drainingSinceMs: NOW - 30_000 }
  expect(drained(draining, seen, LIMITS, NOW)).toBe('its drain took too long')
})
