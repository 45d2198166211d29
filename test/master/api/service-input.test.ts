import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readScale, readService } from '../../../master/api/service-input.ts'
import { DEFAULTS, details } from './service-details.ts'

test('readService() fills in every default', () => {
  expect(readService({ name: 'web', image: 'nginx' }, DEFAULTS)).toEqual({
    spec: {
      name: 'web',
      image: 'nginx',
      command: [],
      environment: {},
      objective: { percentile: 95, latencyTargetMs: 100 },
      bounds: { replicasMin: 1, replicasMax: 10 },
      autoscale: true,
      routes: [],
      health: {
        probe: { kind: 'image' },
        intervalMs: 10_000,
        timeoutMs: 5_000,
        failuresMax: 3,
        successesMin: 2,
        startMaxMs: 60_000,
      },
      resources: {
        ...{ cpuLimit: 1, memoryLimitMb: 512, cpuReserved: 0.1, memoryReservedMb: 64 },
        pidsMax: 1_000,
      },
      stopGraceMs: 10_000,
      ...{ networks: [], volumes: [], labels: {}, init: true, pull: 'missing' },
      balance: { policy: 'queue', sticky: 'none' },
    },
  })
})

test('readService() takes every field', () => {
  const body = {
    name: 'web',
    image: 'registry:5000/team/web:1.2',
    command: ['serve', '--quiet; rm -rf /', ''],
    environment: { QUOTE: `"'; $(x) \n`, EMPTY: '' },
    port: 80,
    hostPort: 8080,
    networks: ['front_net', 'back'],
    volumes: ['data:/var/lib/x', 'conf:/etc/x:ro', { volume: 'logs', path: '/log' }],
    labels: { 'com.example/team': 'shop', EMPTY: '' },
    user: '1000:www-data',
    init: false,
    pull: 'always',
    pids: 64,
    objective: 'p99.9<2s',
    min: 2,
    max: 4,
    replicas: 3,
    autoscale: false,
    routes: [{ host: 'Shop.Example.COM', path: '/api/' }, { path: '/' }, { host: '*.test' }],
    health: {
      http: '/health',
      interval: '1s',
      timeout: 500,
      failures: 1,
      successes: 1,
      start: '5s',
    },
    cpu: '0.5',
    memory: '1g',
    reserve: { cpu: 0.25, memory: 128 },
    stopGrace: '3s',
    ...{ concurrency: 8, balance: 'p2c', sticky: 'cookie' },
  }
  const { spec, replicas } = readService(body, DEFAULTS)
  expect(replicas).toBe(3)
  expect(spec).toEqual({
    name: 'web',
    image: 'registry:5000/team/web:1.2',
    command: body.command,
    environment: body.environment,
    port: 80,
    hostPort: 8080,
    networks: ['front_net', 'back'],
    volumes: [
      { volume: 'data', path: '/var/lib/x', readOnly: false },
      { volume: 'conf', path: '/etc/x', readOnly: true },
      { volume: 'logs', path: '/log', readOnly: false },
    ],
    labels: { 'com.example/team': 'shop', EMPTY: '' },
    user: '1000:www-data',
    init: false,
    pull: 'always',
    objective: { percentile: 99.9, latencyTargetMs: 2_000 },
    bounds: { replicasMin: 2, replicasMax: 4 },
    autoscale: false,
    routes: [{ host: 'shop.example.com', path: '/api' }, { path: '/' }, { host: '*.test' }],
    health: {
      probe: { kind: 'http', path: '/health' },
      intervalMs: 1_000,
      timeoutMs: 500,
      failuresMax: 1,
      successesMin: 1,
      startMaxMs: 5_000,
    },
    resources: {
      ...{ cpuLimit: 0.5, memoryLimitMb: 1_024, cpuReserved: 0.25, memoryReservedMb: 128 },
      pidsMax: 64,
    },
    stopGraceMs: 3_000,
    ...{ concurrency: 8, balance: { policy: 'p2c', sticky: 'cookie' } },
  })
})

const probes = [
  [{ tcp: true }, { kind: 'tcp' }],
  [{ none: true }, { kind: 'none' }],
  [{ image: true }, { kind: 'image' }],
  [{ command: ['ls', '-l'] }, { kind: 'command', command: ['ls', '-l'] }],
  [{ interval: '2s' }, { kind: 'image' }],
] as const
test.each(probes)('readService() reads the health check %j', (health, probe) => {
  const { spec } = readService({ name: 'web', image: 'a', health }, DEFAULTS)
  expect(spec.health.probe).toEqual(probe)
})

const bounds = [
  [{}, 1, 10],
  [{ min: 12 }, 12, 12],
  [{ replicas: 20 }, 1, 20],
  [{ max: 3 }, 1, 3],
  [{ min: 0, replicas: 0 }, 0, 10],
] as const
test.each(bounds)('readService() makes bounds of %j', (given, replicasMin, replicasMax) => {
  const { spec } = readService({ name: 'web', image: 'a', ...given }, DEFAULTS)
  expect(spec.bounds).toEqual({ replicasMin, replicasMax })
})

const images = [
  'nginx',
  'nginx:1.25-alpine',
  'library/nginx',
  'reg.example.com/a/b_c/d:1.2',
  'localhost:5000/a',
  'reg:5000/a/b:1.2',
  '[::1]:5000/a',
  'UPPER.example.com/a:T',
  `a/b@sha256:${'0'.repeat(64)}`,
  `reg:5000/a:1@sha256:${'ab'.repeat(32)}`,
]
test.each(images)('readService() accepts the image %s', (image) => {
  expect(readService({ name: 'web', image }, DEFAULTS).spec.image).toBe(image)
})

const badImages = [
  '',
  'a b',
  'a;reboot',
  '$(reboot)',
  '`reboot`',
  "a'b",
  'a"b',
  'a\nb',
  'a\r',
  'nginx\n',
  '-a',
  'a:',
  ':1',
  'A',
  'a//b',
  '/a',
  'a/',
  'a:1:2',
  'a@sha256:xyz',
  'http://a/b',
  'a\0b',
  '../a',
  `a:${'t'.repeat(129)}`,
  'a'.repeat(513),
]
test.each(badImages)('readService() refuses the image %j', (image) => {
  expect(details({ name: 'web', image })[0]).toMatch(/^image: /)
})

const bad: readonly (readonly [string, unknown])[] = [
  ['name', { name: 'Web' }],
  ['name', { name: '-web' }],
  ['name', { name: 'a'.repeat(64) }],
  ['name', { name: 'web\n' }],
  ['name', { name: 1 }],
  ['name', { name: undefined }],
  ['neither an image nor a command', { image: undefined }],
  ['neither an image nor a command', { image: undefined, command: [] }],
  ['command', { command: 'a string' }],
  ['command.0', { command: ['a\0'] }],
  ['command', { command: Array(257).fill('a') }],
  ['environment.1A', { environment: { '1A': 'x' } }],
  ['environment.A B', { environment: { 'A B': 'x' } }],
  ['environment.A', { environment: { A: 1 } }],
  ['environment.A', { environment: { A: 'x\0' } }],
  ['environment.A', { environment: { A: 'x'.repeat(32_769) } }],
  ['port', { port: 0 }],
  ['port', { port: 65_536 }],
  ['port', { port: 80.5 }],
  ['port', { port: '80' }],
  ['hostPort', { hostPort: -1 }],
  ['objective', { objective: 'fast' }],
  ['objective', { objective: 'p0 < 1ms' }],
  ['objective', { objective: 'p100 < 1ms' }],
  ['objective', { objective: 'p95 < 0ms' }],
  ['objective', { objective: 'p95 < 2h' }],
  ['objective', { objective: 5 }],
  ['objective', { objective: { percentile: 95, latencyTargetMs: -1 } }],
  ['min', { min: -1 }],
  ['max', { max: -1 }],
  ['max', { max: 1.5 }],
  ['replicas', { replicas: 10_001 }],
  ['autoscale', { autoscale: 'yes' }],
  ['routes.0', { routes: [{}] }],
  ['routes.0', { routes: [{ path: '/s/x' }] }],
  ['routes.0.host', { routes: [{ host: 'a b' }] }],
  ['routes.0.host', { routes: [{ host: 'a..b' }] }],
  ['routes.0.host', { routes: [{ host: 'a:80' }] }],
  ['routes.0.path', { routes: [{ path: 'api' }] }],
  ['routes.0.path', { routes: [{ path: '/a/../b' }] }],
  ['routes.0.path', { routes: [{ path: '/a?b' }] }],
  ['routes.0.path', { routes: [{ path: '/a\r\nb' }] }],
  ['health', { health: { http: '/a', tcp: true } }],
  ['health: only one of', { health: { image: true, none: true } }],
  ['health.image', { health: { image: false } }],
  ['health.http', { health: { http: 'http://elsewhere/' } }],
  ['health.http', { health: { http: '/a b' } }],
  ['health.tcp', { health: { tcp: false } }],
  ['health.interval', { health: { interval: '1ms' } }],
  ['health.interval', { health: { interval: 'soon' } }],
  ['health.interval', { health: { interval: -1 } }],
  ['health.failures', { health: { failures: 0 } }],
  ['cpu', { cpu: 0 }],
  ['cpu', { cpu: -1 }],
  ['cpu', { cpu: 'NaN' }],
  ['cpu', { cpu: true }],
  ['cpu', { cpu: '' }],
  ['memory', { memory: '512x' }],
  ['memory', { memory: 0 }],
  ['memory', { memory: '1k' }],
  ['Cannot reserve 2 cores', { reserve: { cpu: 2 } }],
  ['Cannot reserve 1024 MB', { reserve: { memory: '1g' } }],
  ['stopGrace', { stopGrace: '2h' }],
  ['concurrency', { concurrency: 0 }],
  ['Unrecognized key', { nope: 1 }],
  ['health: Unrecognized key', { health: { nope: 1 } }],
  ['image', { image: null }],
]
test.each(bad)('readService() names %s in %j', (what, changes) => {
  const found = details({ name: 'web', image: 'nginx', ...(changes as object) })
  expect(found.join('\n')).toContain(what)
})

test.each([null, 1, 'web', [], [{ name: 'web' }]])('readService() refuses %j', (body) => {
  expect(details(body)).not.toEqual([])
})

test('readService() accepts or refuses anything with 422, and what it accepts is JSON', () => {
  const anything = fc.record(
    {
      name: fc.oneof(fc.constant('web'), fc.string()),
      image: fc.oneof(fc.constant('nginx'), fc.string(), fc.anything()),
      command: fc.oneof(fc.array(fc.string()), fc.anything()),
      environment: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.anything()),
      objective: fc.anything(),
      min: fc.oneof(fc.integer(), fc.anything()),
      max: fc.oneof(fc.integer(), fc.anything()),
      health: fc.oneof(fc.record({ http: fc.string() }), fc.anything()),
      routes: fc.anything(),
      cpu: fc.oneof(fc.double(), fc.anything()),
      networks: fc.oneof(fc.array(fc.string()), fc.anything()),
      volumes: fc.oneof(fc.array(fc.oneof(fc.string(), fc.anything())), fc.anything()),
      labels: fc.oneof(fc.dictionary(fc.string(), fc.string()), fc.anything()),
      user: fc.oneof(fc.string(), fc.anything()),
      memory: fc.oneof(fc.string(), fc.double()),
    },
    { requiredKeys: ['name'] },
  )
  fc.assert(
    fc.property(anything, (body) => {
      if (details(body).length > 0) return
      const { spec } = readService(body, DEFAULTS)
      expect(JSON.parse(JSON.stringify(spec))).toEqual(spec)
    }),
    { numRuns: 500 },
  )
})

test('readScale() takes at least one wish', () => {
  expect(readScale({ replicas: 3 })).toEqual({ replicas: 3 })
  expect(readScale({ min: 1, max: 2, autoscale: false })).toEqual({
    min: 1,
    max: 2,
    autoscale: false,
  })
  for (const wrong of [{}, { replicas: -1 }, { replicas: 1.5 }, { replicas: '3' }, { up: 1 }, []]) {
    expect(() => readScale(wrong)).toThrow('Cannot scale like this')
  }
})
