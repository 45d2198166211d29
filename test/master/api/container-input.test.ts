import { expect, test } from 'vitest'
import { readService } from '../../../master/api/service-input.ts'
import { readMasterConfig } from '../../../master/config.ts'
import { DEFAULTS, details } from './service-details.ts'

const bad: readonly (readonly [string, object])[] = [
  ['network: the network of the host is not allowed', { network: 'host' }],
  ['network', { network: 'container:abc' }],
  ['network: without a network', { network: 'none' }],
  ['network and networks cannot both be given', { network: 'a', networks: ['b'] }],
  ['networks.1: the network of the host', { networks: ['a', 'host'] }],
  ['networks: one of them is named twice', { networks: ['a', 'a'] }],
  ['networks', { networks: Array.from({ length: 21 }, (_, at) => `n${at}`) }],
  ['networks', { networks: 'a' }],
  ['volumes', { volumes: 'data:/x' }],
  ['volumes.0: expected NAME:/PATH or NAME:/PATH:ro', { volumes: ['data'] }],
  ['volumes.0: expected NAME:/PATH or NAME:/PATH:ro, with a name', { volumes: ['/x'] }],
  ['volumes.0: expected NAME:/PATH', { volumes: ['data:/x:z'] }],
  ['volumes.0: expected NAME:/PATH', { volumes: ['data:/x:ro:y'] }],
  ['volumes.0.volume: a path of the host cannot be mounted', { volumes: ['/etc:/x'] }],
  ['volumes.0.volume: a path of the host cannot be mounted', { volumes: ['./data:/x'] }],
  ['volumes.0.volume: a path of the host cannot be mounted', { volumes: ['~/data:/x'] }],
  ['volumes.0.volume: a path of the host', { volumes: ['/var/run/docker.sock:/x:ro'] }],
  ['volumes.0.volume: expected the name of a volume', { volumes: ['a b:/x'] }],
  ['volumes.0.volume: expected the name of a volume', { volumes: ['a:/x'] }],
  ['volumes.0.volume: expected the name of a volume', { volumes: ['a/../b:/x'] }],
  ['volumes.0.path: expected an absolute path', { volumes: ['data:x'] }],
  ['volumes.0.path: expected an absolute path', { volumes: ['data:/'] }],
  ['volumes.0.path: expected an absolute path', { volumes: ['data:/x/'] }],
  ['volumes.0.path: expected a path without', { volumes: ['data:/x/../etc'] }],
  ['volumes.0.path: expected a path without', { volumes: ['data:/x//y'] }],
  ['volumes.0.path', { volumes: ['data:/x\0'] }],
  ['volumes.0.path', { volumes: [{ volume: 'data' }] }],
  ['volumes.0.path', { volumes: [{ volume: 'data', path: '/x:ro' }] }],
  ['volumes.0: Unrecognized key', { volumes: [{ volume: 'data', path: '/x', type: 'bind' }] }],
  ['volumes.0.readOnly', { volumes: [{ volume: 'data', path: '/x', readOnly: 'yes' }] }],
  ['volumes.0', { volumes: [7] }],
  ['volumes: two of them have the same path', { volumes: ['aa:/x', 'bb:/x'] }],
  ['labels', { labels: ['a=b'] }],
  ['labels.orchestrify.node: ', { labels: { 'orchestrify.node': 'n1' } }],
  ['begin with orchestrify. are not for users', { labels: { 'orchestrify.': '' } }],
  ['labels.a b', { labels: { 'a b': 'x' } }],
  ['labels.a=b', { labels: { 'a=b': 'x' } }],
  ['labels.', { labels: { '': 'x' } }],
  ['labels', { labels: { ['k'.repeat(257)]: 'x' } }],
  ['labels.a', { labels: { a: 1 } }],
  ['labels.a', { labels: { a: 'x\0' } }],
  ['labels.a', { labels: { a: 'x'.repeat(4_097) } }],
  [
    'labels: too many',
    { labels: Object.fromEntries(Array.from({ length: 101 }, (_, i) => [i, ''])) },
  ],
  ['user: expected USER or USER:GROUP', { user: '' }],
  ['user: expected USER or USER:GROUP', { user: 'root;id' }],
  ['user: expected USER or USER:GROUP', { user: 'a:b:c' }],
  ['user: expected USER or USER:GROUP', { user: '-1' }],
  ['user: expected USER or USER:GROUP', { user: 'root\n' }],
  ['user: expected numbers up to 2147483647', { user: '0:2147483648' }],
  ['user', { user: 0 }],
  ['init', { init: 'yes' }],
  ['pull', { pull: 'never' }],
  ['pids', { pids: 0 }],
  ['pids', { pids: -1 }],
  ['pids', { pids: 1.5 }],
]
test.each(bad)('readService() says "%s" of %j', (what, changes) => {
  const found = details({ name: 'web', image: 'nginx', ...changes })
  expect(found.join('\n')).toContain(what)
})

const users = ['0', '1000', '1000:1000', 'www-data', 'app:0', '_apt', '2147483647']
test.each(users)('readService() accepts the user %s', (user) => {
  expect(readService({ name: 'web', image: 'nginx', user }, DEFAULTS).spec.user).toBe(user)
})

test('readService() takes the network of the first system, and the defaults of the master', () => {
  const argv = ['--pids-limit', '50', '--health-type', 'tcp', '--service-max', '3']
  const defaults = readMasterConfig({ argv, environment: {} })
  const { spec } = readService({ name: 'web', image: 'a', network: 'front' }, defaults)
  expect(spec).toMatchObject({
    networks: ['front'],
    resources: { pidsMax: 50 },
    health: { probe: { kind: 'tcp' } },
    bounds: { replicasMin: 1, replicasMax: 3 },
  })
})
