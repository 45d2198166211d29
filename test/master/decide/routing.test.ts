import { expect, test } from 'vitest'
import { routing } from '../../../master/decide/routing.ts'
import type { Phase, RouteFragment, ServiceSpec } from '../../../shared/model.ts'
import {
  added,
  applied,
  applyAll,
  type Bare,
  desiredWith,
  LIMITS,
  nodeNamed,
  SeenWorld,
  specNamed,
} from '../../support/worlds.ts'

const NOW = 1_000_000

function fragment(
  phase: Phase | undefined,
  more: readonly Bare[] = [],
  silentMs = 0,
): RouteFragment {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1', { address: '10.0.0.1' }) },
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1' }),
  ])
  applyAll(desired, more)
  const seen = new SeenWorld()
  seen.beat('n1', NOW - silentMs)
  const replica = desired.replicas.get('r1')
  if (phase !== undefined && replica !== undefined) seen.report(replica, phase)
  const [first] = routing(desired, seen, LIMITS, NOW)
  if (first === undefined) throw new Error('no fragment')
  return first
}

const serving: Phase = { kind: 'serving', sinceMs: 0 }

test('routing() lists a serving replica with its node address and port', () => {
  expect(fragment(serving).endpoints).toEqual([
    { replica: 'r1', node: 'n1', host: '10.0.0.1', port: 20_000, suspect: false },
  ])
})

test('routing() keeps the endpoints of a silent node, marked', () => {
  expect(fragment(serving, [], 3_000).endpoints).toMatchObject([{ suspect: true }])
})

test('routing() keeps the endpoints of a lost node only while nobody else serves', () => {
  expect(fragment(serving, [], 5_000).endpoints).toMatchObject([{ replica: 'r1', suspect: true }])
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1') },
    { kind: 'node-joined', node: nodeNamed('n2') },
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1' }),
    added('r2', 'web', { node: 'n2' }),
  ])
  const seen = new SeenWorld()
  seen.beat('n1', NOW - 5_000)
  seen.beat('n2', NOW)
  for (const replica of desired.replicas.values()) seen.report(replica, serving)
  const [only] = routing(desired, seen, LIMITS, NOW)
  expect(only?.endpoints).toMatchObject([{ replica: 'r2', suspect: false }])
})

const absences: readonly { phase?: Phase; more?: readonly Bare[]; absence: string }[] = [
  { absence: '"web" is starting' },
  { phase: { kind: 'starting', sinceMs: 0 }, absence: '"web" is starting' },
  { phase: { kind: 'failed', sinceMs: 0, reason: 'boom' }, absence: '"web" is failed: boom' },
  { phase: { kind: 'unhealthy', sinceMs: 0, reason: 'no' }, absence: '"web" is unhealthy: no' },
  {
    phase: serving,
    more: [{ kind: 'replica-draining', replica: 'r1' }],
    absence: '"web" is starting',
  },
  {
    more: [
      { kind: 'replica-removed', replica: 'r1' },
      added('r2', 'web', { pendingReason: 'full' }),
    ],
    absence: '"web" waits for a place: full',
  },
  {
    more: [
      { kind: 'replica-removed', replica: 'r1' },
      { kind: 'service-scaled', service: 'web', replicas: 0 },
    ],
    absence: '"web" is scaled to zero',
  },
  { more: [{ kind: 'service-removing', service: 'web' }], absence: '"web" is being removed' },
]
test.each(absences)('routing() tells clients: $absence', ({ phase, more, absence }) => {
  const { endpoints, absence: told } = fragment(phase, more)
  expect(endpoints).toEqual([])
  expect(told).toBe(absence)
})

function bare(changes: Partial<ServiceSpec>, replicas: number, more: readonly Bare[] = []) {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1') },
    applied(specNamed('web', changes), replicas),
    ...more,
  ])
  const seen = new SeenWorld()
  seen.beat('n1', NOW)
  return routing(desired, seen, LIMITS, NOW)[0]
}

test('routing() says how requests are given out where it is not the usual', () => {
  const usual = bare({}, 1)
  expect(usual).not.toHaveProperty('balance')
  expect(usual).not.toHaveProperty('concurrency')
  const balance = { policy: 'queue', sticky: 'cookie' } as const
  const routes = [{ path: '/export', slow: true }]
  const other = bare({ balance, concurrency: 4, routes }, 1)
  expect(other).toMatchObject({ balance, concurrency: 4, routes })
})

const zero = { bounds: { replicasMin: 0, replicasMax: 3 } }
const failures = { count: 1, lastAtMs: 0, nodes: [] }
const onTheWay: readonly (readonly [string, RouteFragment | undefined, boolean])[] = [
  ['a replica starts', fragment({ kind: 'starting', sinceMs: 0 }), true],
  ['its worker did not mention it yet', fragment(undefined), true],
  ['it was wanted a moment ago', bare({}, 1), true],
  ['it is pending and nothing speaks against it', bare({}, 1, [added('r1', 'web')]), true],
  ['it has no place', bare({}, 1, [added('r1', 'web', { pendingReason: 'full' })]), false],
  [
    'its start failed before',
    bare({}, 1, [{ kind: 'service-failures', service: 'web', failures }]),
    false,
  ],
  ['it failed', fragment({ kind: 'failed', sinceMs: 0, reason: 'boom' }), false],
  ['it is unwell', fragment({ kind: 'unhealthy', sinceMs: 0, reason: 'no' }), false],
  ['its node is lost', fragment(undefined, [], 6_000), false],
  ['one serves', fragment(serving), false],
  ['it is at zero and wakes', bare(zero, 0), true],
  ['it is at zero and may not wake', bare({ ...zero, autoscale: false }, 0), false],
  ['it is being removed', bare({}, 1, [{ kind: 'service-removing', service: 'web' }]), false],
]
test.each(onTheWay)('routing() tells whether a replica comes when %s', (_when, told, comes) => {
  expect(told?.comes ?? false).toBe(comes)
})
