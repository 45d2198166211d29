/** The most replicas of the whole cluster, and where replicas go that could not be started. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Desired } from '../../../master/decide/desired.ts'
import { plan } from '../../../master/decide/plan.ts'
import type { DemandWindow } from '../../../shared/decision.ts'
import {
  added,
  applied,
  applyAll,
  counter,
  LIMITS,
  nodeNamed,
  SeenWorld,
  specNamed,
} from '../../support/worlds.ts'

const NOW = 1_000_000

interface Load {
  readonly name: string
  readonly replicas: number
  readonly percentileMs: number
}

function windowOf(percentileMs: number, fromMs: number, toMs: number): DemandWindow {
  return { fromMs, toMs, requests: 500, errors: 0, percentileMs, meanMs: percentileMs }
}

/** Services whose replicas all serve, each with what its proxies measure. */
function world(loads: readonly Load[]): { desired: Desired; seen: SeenWorld } {
  const desired = new Desired()
  const seen = new SeenWorld()
  for (const name of ['n1', 'n2', 'n3']) {
    applyAll(desired, [{ kind: 'node-joined', node: nodeNamed(name) }])
    seen.beat(name, NOW)
  }
  for (const { name, replicas, percentileMs } of loads) {
    applyAll(desired, [applied(specNamed(name), replicas)])
    for (let at = 0; at < replicas; at += 1) {
      const replica = { id: `${name}-${at}`, service: name, revision: 1, node: `n${(at % 2) + 1}` }
      applyAll(desired, [added(replica.id, name, { node: replica.node, phase: 'serving' })])
      seen.report(replica, { kind: 'serving', sinceMs: 0 })
    }
    const windows = [0, 1, 2, 3, 4, 5].map((at) =>
      windowOf(percentileMs, NOW - 60_000 + at * 10_000, NOW - 50_000 + at * 10_000),
    )
    const recent = windowOf(percentileMs, NOW - 1_000, NOW)
    seen.demand.set(name, { windows, recent, before: recent })
  }
  return { desired, seen }
}

function planned({ desired, seen }: ReturnType<typeof world>, replicasTotalMax: number) {
  const limits = { ...LIMITS, replicasTotalMax }
  return plan(desired, seen, { nowMs: NOW, limits, newId: counter('new-') })
}

const SLOW = 150
const CALM = 10

test('plan() never goes over the most replicas of the cluster, and says so', () => {
  const { decisions, changes } = planned(
    world([
      { name: 'a', replicas: 2, percentileMs: SLOW },
      { name: 'b', replicas: 1, percentileMs: SLOW },
    ]),
    4,
  )
  expect(decisions.map(({ service, rule, replicas }) => [service, rule, replicas])).toEqual([
    ['a', 'over-objective', 3],
    ['b', 'at-maximum', 1],
  ])
  expect(decisions[1]?.reason).toMatch(/the cluster has all the replicas it may have$/)
  expect(decisions[1]?.inputs.room).toBe(0)
  expect(changes.filter((change) => change.kind === 'service-advice')).toMatchObject([
    { service: 'b', advice: 'Raise --replicas-max: "b" needs more than the cluster may have' },
  ])
})

test('plan() gives what one service gives up to another in one step', () => {
  const both = world([
    { name: 'a', replicas: 1, percentileMs: SLOW },
    { name: 'b', replicas: 2, percentileMs: CALM },
  ])
  expect(planned(both, 3).decisions.map(({ replicas }) => replicas)).toEqual([2, 1])
})

test('plan() takes nothing away when the limit is below what there is', () => {
  const over = world([{ name: 'a', replicas: 3, percentileMs: SLOW }])
  expect(planned(over, 1).decisions).toMatchObject([{ rule: 'at-maximum', replicas: 3 }])
})

test('plan() lets an update surge by the one that it replaces', () => {
  const full = world([{ name: 'a', replicas: 2, percentileMs: 80 }])
  applyAll(full.desired, [applied(specNamed('a', { command: ['new'] }), 2, 2)])
  const addedNow = planned(full, 2).changes.filter((change) => change.kind === 'replica-added')
  expect(addedNow).toHaveLength(1)
})

test('plan() keeps to the limit and settles, whatever the services want', () => {
  const load = fc.record({
    replicas: fc.integer({ min: 1, max: 4 }),
    percentileMs: fc.constantFrom(CALM, 80, SLOW),
  })
  const loads = fc.array(load, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(loads, fc.integer({ min: 1, max: 12 }), (given, most) => {
      const both = world(given.map((each, at) => ({ ...each, name: `s${at}` })))
      const sum = () => [...both.desired.services.values()].reduce((all, s) => all + s.replicas, 0)
      const before = sum()
      applyAll(both.desired, planned(both, most).changes, NOW)
      expect(sum()).toBeLessThanOrEqual(Math.max(before, most))
      expect(planned(both, most).changes).toEqual([])
    }),
    { numRuns: 200 },
  )
})

test('plan() tries each node before it returns to one where a start failed, later each time', () => {
  const desired = new Desired()
  const seen = new SeenWorld()
  const limits = { ...LIMITS, failureBackoffMs: 1_000, failureBackoffMaxMs: 60_000 }
  for (const name of ['n1', 'n2']) {
    applyAll(desired, [{ kind: 'node-joined', node: nodeNamed(name) }])
  }
  applyAll(desired, [applied(specNamed('web'))])
  const newId = counter('new-')
  const tried: [string, number][] = []
  for (let nowMs = NOW; tried.length < 5; nowMs += 250) {
    for (const node of desired.nodes.keys()) seen.beat(node, nowMs)
    const { changes } = plan(desired, seen, { nowMs, limits, newId })
    applyAll(desired, changes, nowMs)
    for (const replica of desired.replicas.values()) {
      if (replica.node === undefined || tried.length >= 5) continue
      if (seen.nodes.get(replica.node)?.replicas.has(replica.id) === true) continue
      tried.push([replica.node, nowMs - NOW])
      seen.report(replica, { kind: 'failed', sinceMs: nowMs, reason: 'no such image' })
    }
  }
  expect(tried.map(([node]) => node)).toEqual(['n1', 'n2', 'n1', 'n2', 'n1'])
  const waits = tried.slice(1).map(([, atMs], at) => atMs - (tried[at]?.[1] ?? 0))
  // Up to two steps of this test pass before a failure is seen and answered.
  expect(waits.map((waitMs) => Math.floor(waitMs / 1_000))).toEqual([1, 2, 4, 8])
})

test('plan() places a replica elsewhere that hangs on a node in trouble', () => {
  const desired = new Desired()
  const seen = new SeenWorld()
  for (const name of ['n1', 'n2']) {
    applyAll(desired, [{ kind: 'node-joined', node: nodeNamed(name) }])
  }
  applyAll(desired, [applied(specNamed('web')), added('r1', 'web', { node: 'n1' })])
  const trouble = 'the Docker Engine does not answer'
  const at = (nowMs: number) => {
    seen.beat('n1', nowMs, { trouble })
    seen.beat('n2', nowMs)
    const { changes } = plan(desired, seen, { nowMs, limits: LIMITS, newId: counter('new-') })
    applyAll(desired, changes, nowMs)
    return changes
  }
  seen.beat('n1', NOW)
  seen.report(
    { id: 'r1', service: 'web', node: 'n1', revision: 1 },
    { kind: 'starting', sinceMs: NOW },
  )
  expect(at(NOW)).toContainEqual(expect.objectContaining({ condition: 'busy', reason: trouble }))
  expect(at(NOW + 129_999)).toEqual([])
  expect(at(NOW + 130_000)).toMatchObject([
    { kind: 'replica-removed', reason: `not started on n1 for 130 s: ${trouble}` },
    { kind: 'service-failures', failures: { nodes: ['n1'] } },
  ])
  expect(at(NOW + 131_000)).toMatchObject([{ kind: 'replica-added', replica: { node: 'n2' } }])
})
