import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Desired } from '../../../master/decide/desired.ts'
import { plan } from '../../../master/decide/plan.ts'
import type { Change } from '../../../shared/change.ts'
import type { Phase, Replica } from '../../../shared/model.ts'
import {
  added,
  applied,
  applyAll,
  type Bare,
  counter,
  desiredWith,
  LIMITS,
  nodeNamed,
  SeenWorld,
  specNamed,
} from '../../support/worlds.ts'

const NOW = 1_000_000
const serving: Phase = { kind: 'serving', sinceMs: 0 }

function nodes(...names: string[]): Bare[] {
  return names.map((name) => ({ kind: 'node-joined', node: nodeNamed(name) }))
}

function seenOf(desired: Desired, phase: Phase = serving): SeenWorld {
  const seen = new SeenWorld()
  for (const node of desired.nodes.keys()) seen.beat(node, NOW)
  for (const replica of desired.replicas.values()) seen.report(replica, phase)
  return seen
}

function planned(desired: Desired, seen: SeenWorld, nowMs = NOW): readonly Change[] {
  return plan(desired, seen, { nowMs, limits: LIMITS, newId: counter('new-') }).changes
}

function kinds(changes: readonly Change[]): string[] {
  return changes.map((change) => change.kind).filter((kind) => kind !== 'replica-phase')
}

test('plan() starts the wanted replicas on different nodes and says why there', () => {
  const desired = desiredWith([...nodes('n1', 'n2'), applied(specNamed('web'), 2)])
  const changes = planned(desired, seenOf(desired))
  const placed = changes.flatMap((c) => (c.kind === 'replica-added' ? [c.replica.node] : []))
  expect(placed.toSorted()).toEqual(['n1', 'n2'])
  expect(changes[0]?.reason).toContain('2 are wanted; n1 runs 0 of it')
})

test('plan() keeps what fits nowhere pending with the reason, and places it when there is room', () => {
  const desired = desiredWith([applied(specNamed('web'))])
  const seen = seenOf(desired)
  const changes = planned(desired, seen)
  expect(changes).toMatchObject([
    { kind: 'replica-added', replica: { pendingReason: 'there is no worker: start one' } },
  ])
  applyAll(desired, changes)
  applyAll(desired, nodes('n1'))
  seen.beat('n1', NOW)
  expect(planned(desired, seen)).toMatchObject([{ kind: 'replica-assigned', node: 'n1' }])
})

test('plan() concludes nothing after a restart until every node reported or is lost', () => {
  const desired = desiredWith([
    ...nodes('n1', 'n2'),
    applied(specNamed('web'), 2),
    added('r1', 'web', { node: 'n1' }),
    added('r2', 'web', { node: 'n2' }),
  ])
  const seen = new SeenWorld()
  seen.sinceMs = NOW - 1_000
  seen.beat('n1', NOW)
  expect(planned(desired, seen)).toEqual([])
})

test('plan() re-places a replica that failed elsewhere, later and later', () => {
  const desired = desiredWith([
    ...nodes('n1', 'n2'),
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1' }),
  ])
  const seen = seenOf(desired, { kind: 'failed', sinceMs: 0, reason: 'no such command' })
  const first = planned(desired, seen)
  expect(kinds(first)).toEqual(['replica-removed', 'service-failures'])
  expect(first.find((c) => c.kind === 'replica-removed')?.reason).toBe(
    'failed on n1: no such command',
  )
  applyAll(desired, first, NOW)
  expect(planned(desired, seen, NOW + 900)).toEqual([])
  expect(planned(desired, seen, NOW + 1_000)).toMatchObject([
    { kind: 'replica-added', replica: { node: 'n2' } },
  ])
})

test('plan() gives up on a replica that its worker never mentions', () => {
  const desired = desiredWith([
    ...nodes('n1'),
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1', assignedAtMs: NOW }),
  ])
  const seen = new SeenWorld()
  seen.beat('n1', NOW + 69_000)
  expect(planned(desired, seen, NOW + 69_999)).toEqual([])
  expect(kinds(planned(desired, seen, NOW + 70_000))).toContain('replica-removed')
})

function released(schedulability: 'draining' | 'leaving'): { desired: Desired; seen: SeenWorld } {
  const desired = desiredWith([
    ...nodes('n1', 'n2'),
    { kind: 'node-joined', node: nodeNamed('n1', { schedulability, condition: 'draining' }) },
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1', phase: 'serving' }),
  ])
  const seen = seenOf(desired)
  seen.routes = { ...seen.routes, routed: new Set(['r1']) }
  return { desired, seen }
}

test('plan() empties a node start-first: the old replica goes when the new one serves', () => {
  const { desired, seen } = released('draining')
  const first = planned(desired, seen)
  expect(first).toMatchObject([{ kind: 'replica-added', replica: { node: 'n2' } }])
  applyAll(desired, first, NOW)
  expect(planned(desired, seen)).toEqual([])
  const fresh = [...desired.replicas.values()].find((replica) => replica.node === 'n2')
  if (fresh !== undefined) seen.report(fresh, serving)
  const second = planned(desired, seen).filter((c) => c.kind !== 'replica-phase')
  expect(second).toMatchObject([{ kind: 'replica-draining', replica: 'r1' }])
})

test.each([
  { schedulability: 'draining', end: { kind: 'node-schedulability', pool: 'standby' } },
  { schedulability: 'leaving', end: { kind: 'node-removed', node: 'n1' } },
] as const)('plan() ends with $end.kind when a $schedulability node is empty', (row) => {
  const { desired, seen } = released(row.schedulability)
  desired.apply({ ...fact(), kind: 'replica-removed', replica: 'r1' }, desired.revision + 1)
  desired.apply({ ...fact(), kind: 'service-removed', service: 'web' }, desired.revision + 1)
  expect(planned(desired, seen)[0]).toMatchObject(row.end)
})

test('plan() replaces an older revision one at a time, start first', () => {
  const desired = desiredWith([
    ...nodes('n1', 'n2'),
    applied(specNamed('web'), 2),
    added('r1', 'web', { node: 'n1', phase: 'serving' }),
    added('r2', 'web', { node: 'n2', phase: 'serving' }),
    applied(specNamed('web', { command: ['new'] }), 2, 2),
  ])
  const changes = planned(desired, seenOf(desired))
  expect(changes).toMatchObject([{ kind: 'replica-added', replica: { revision: 2 } }])
})

test('plan() removes a service after its last replica has drained', () => {
  const desired = desiredWith([
    ...nodes('n1'),
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1', phase: 'serving' }),
    { kind: 'service-removing', service: 'web' },
  ])
  const seen = seenOf(desired)
  seen.routes = { ...seen.routes, routed: new Set(['r1']) }
  const first = planned(desired, seen)
  expect(kinds(first)).toEqual(['replica-draining'])
  applyAll(desired, first, NOW)
  expect(planned(desired, seen)).toEqual([])
  seen.routes = { ...seen.routes, routed: new Set() }
  expect(kinds(planned(desired, seen))).toEqual(['replica-removed', 'service-removed'])
})

function fact(): { atMs: number; actor: string; reason: string } {
  return { atMs: NOW, actor: 'test', reason: 'test' }
}

const phase = fc.constantFrom<Phase | undefined>(
  undefined,
  serving,
  { kind: 'starting', sinceMs: 0 },
  { kind: 'unhealthy', sinceMs: 0, reason: 'x' },
  { kind: 'failed', sinceMs: 0, reason: 'x' },
)
const nodeArbitrary = fc.record({
  silentMs: fc.constantFrom(0, 3_000, 9_000),
  cpu: fc.constantFrom(10, 90),
  schedulability: fc.constantFrom('open' as const, 'cordoned', 'draining', 'leaving'),
  pool: fc.constantFrom('platform' as const, 'standby'),
})
const replicaArbitrary = fc.record({
  node: fc.nat({ max: 4 }),
  revision: fc.constantFrom(1, 2),
  draining: fc.boolean(),
  phase,
})
const worldArbitrary = fc.record({
  nodes: fc.array(nodeArbitrary, { maxLength: 4 }),
  replicas: fc.array(replicaArbitrary, { maxLength: 8 }),
  wanted: fc.nat({ max: 5 }),
  removing: fc.boolean(),
  percentileMs: fc.constantFrom(undefined, 20, 150),
})

test('plan() settles: after its own changes it wants nothing more, from any starting point', () => {
  fc.assert(
    fc.property(worldArbitrary, (world) => {
      const desired = new Desired()
      const seen = new SeenWorld()
      build(world, desired, seen)
      const ids = counter('new-')
      const at = { nowMs: NOW, limits: LIMITS, newId: ids }
      applyAll(desired, plan(desired, seen, at).changes, NOW)
      expect(plan(desired, seen, at).changes).toEqual([])
    }),
    { numRuns: 500 },
  )
})

test('plan() wakes a service at zero for requests that no replica took, at once and once', () => {
  const bounds = { replicasMin: 0, replicasMax: 3 }
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1') },
    applied(specNamed('web', { bounds }), 0),
  ])
  const seen = new SeenWorld()
  seen.beat('n1', NOW)
  const at = { nowMs: NOW, limits: LIMITS, newId: counter('new-') }
  expect(plan(desired, seen, at).changes).toEqual([])
  seen.demand.set('web', { windows: [], unmet: true })
  const { changes } = plan(desired, seen, at)
  expect(changes).toMatchObject([
    { kind: 'service-scaled', replicas: 1, reason: expect.stringContaining('requests came') },
    { kind: 'replica-added', replica: { service: 'web', node: 'n1' } },
  ])
  applyAll(desired, changes, NOW)
  expect(plan(desired, seen, at).changes).toEqual([])
})

type WorldShape = typeof worldArbitrary extends fc.Arbitrary<infer W> ? W : never

function build(world: WorldShape, desired: Desired, seen: SeenWorld): void {
  world.nodes.forEach((node, at) => {
    const { schedulability, pool } = node
    applyAll(desired, [
      { kind: 'node-joined', node: nodeNamed(`n${at}`, { schedulability, pool }) },
    ])
    seen.beat(`n${at}`, NOW - node.silentMs, { cpu: node.cpu })
  })
  applyAll(desired, [applied(specNamed('web'), Math.max(1, world.wanted))])
  world.replicas.forEach((given, at) => {
    const { revision } = given
    const draining = given.draining ? { drainingSinceMs: NOW - 1_000 } : {}
    const replica: Replica = {
      id: `r${at}`,
      service: 'web',
      revision,
      createdAtMs: at,
      ...draining,
    }
    const placed =
      given.node < 4 ? { ...replica, node: `n${given.node}`, assignedAtMs: NOW } : replica
    applyAll(desired, [{ kind: 'replica-added', replica: placed }])
    if (given.phase !== undefined) seen.report(placed, given.phase)
  })
  applyAll(desired, [applied(specNamed('web', { command: ['v2'] }), Math.max(1, world.wanted), 2)])
  if (world.removing) applyAll(desired, [{ kind: 'service-removing', service: 'web' }])
  if (world.percentileMs === undefined) return
  const { percentileMs } = world
  const recent = {
    fromMs: NOW - 1_000,
    toMs: NOW,
    requests: 100,
    errors: 0,
    percentileMs,
    meanMs: 10,
  }
  seen.demand.set('web', { windows: [], recent, before: recent })
}
