import { expect, test } from 'vitest'
import { OwnPermits } from '../../../proxy/decide/own-permits.ts'
import type { RouteFragment } from '../../../shared/model.ts'
import { QueueingWorld } from '../../shared/support/queueing-world.ts'

function fragment(service: string, changes: Partial<RouteFragment> = {}): RouteFragment {
  const replica = service === 'web' ? 'r1' : `${service}-1`
  const endpoint = { replica, node: 'n', host: '127.0.0.1', port: 1, suspect: false }
  const objective = { percentile: 95, latencyTargetMs: 100 }
  return { service, name: service, objective, routes: [], endpoints: [endpoint], ...changes }
}

test('learn() answers 16 for what is new and the concurrency that is given', () => {
  const own = new OwnPermits()
  const given = fragment('api', { concurrency: 3 })
  const permits = own.learn({ durationMs: 1_000, services: [] }, [fragment('web'), given], 1_000)
  expect(Object.fromEntries(permits)).toEqual({ r1: 16, 'api-1': 3 })
  expect([own.isLearned(fragment('web')), own.isLearned(given)]).toEqual([false, true])
})

test('learn() finds what two slots of 30 ms make use of, and forgets what left the table', () => {
  const own = new OwnPermits()
  const table = [fragment('web')]
  let learned = 0
  const world = new QueueingWorld({ slots: 2, serviceMs: 30, rates: [90] }, (reported) => {
    const { durationMs, measured, nowMs } = reported
    const permits = own.learn({ durationMs, services: [measured] }, table, nowMs)
    learned = permits.get('r1') ?? 0
    return Object.fromEntries(permits)
  })
  world.run(25)
  expect(learned).toBeGreaterThanOrEqual(2)
  expect(learned).toBeLessThanOrEqual(4)
  expect(own.isLearned(fragment('web'))).toBe(true)
  own.learn({ durationMs: 1_000, services: [] }, [], 26_000)
  expect(own.isLearned(fragment('web'))).toBe(false)
})
