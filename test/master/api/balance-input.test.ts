import { expect, test } from 'vitest'
import { readScale, readService } from '../../../master/api/service-input.ts'
import { DEFAULTS, details } from './service-details.ts'

const WEB = { name: 'web', image: 'nginx' }

test.each([
  [{}, { policy: 'queue', sticky: 'none' }],
  [{ balance: 'round-robin' }, { policy: 'round-robin', sticky: 'none' }],
  [{ balance: 'least-connections' }, { policy: 'least-connections', sticky: 'none' }],
  [
    { balance: 'peak-ewma', sticky: 'client-ip' },
    { policy: 'peak-ewma', sticky: 'client-ip' },
  ],
  [{ sticky: 'cookie' }, { policy: 'queue', sticky: 'cookie' }],
])('readService() balances as %j says', (given, balance) => {
  expect(readService({ ...WEB, ...given }, DEFAULTS).spec.balance).toEqual(balance)
})

test.each([
  ['balance', { balance: 'random' }],
  ['sticky', { sticky: true }],
  ['routes.0.slow', { routes: [{ path: '/a', slow: 'yes' }] }],
  ['both slow and not', { routes: [{ path: '/a', slow: true }, { path: '/a/' }] }],
])('readService() names %s in %j', (what, given) => {
  expect(details({ ...WEB, ...given }).join('\n')).toContain(what)
})

test('readService() marks slow routes, and only these', () => {
  const routes = [{ path: '/export', slow: true }, { path: '/api', slow: false }, { path: '/' }]
  const { spec } = readService({ ...WEB, routes }, DEFAULTS)
  expect(spec.routes).toEqual([{ path: '/export', slow: true }, { path: '/api' }, { path: '/' }])
})

test.each([
  [{ min: 0 }, undefined, { replicasMin: 0, replicasMax: 10 }],
  [{ replicas: 0 }, 0, { replicasMin: 0, replicasMax: 10 }],
  [{ min: 0, max: 1, replicas: 1 }, 1, { replicasMin: 0, replicasMax: 1 }],
])('readService() lets a service begin at zero with %j', (given, replicas, bounds) => {
  const read = readService({ ...WEB, ...given }, DEFAULTS)
  expect(read.replicas).toBe(replicas)
  expect(read.spec.bounds).toEqual(bounds)
})

test('readScale() takes a minimum of zero, but no such maximum', () => {
  expect(readScale({ replicas: 0, min: 0 })).toEqual({ replicas: 0, min: 0 })
  expect(() => readScale({ max: 0 })).toThrow('Cannot scale like this')
})
