import { expect, test } from 'vitest'
import type { Desired } from '../../../master/decide/desired.ts'
import { plan } from '../../../master/decide/plan.ts'
import type { Change } from '../../../shared/change.ts'
import type { Phase } from '../../../shared/model.ts'
import {
  added,
  applied,
  applyAll,
  counter,
  desiredWith,
  LIMITS,
  nodeNamed,
  SeenWorld,
  specNamed,
} from '../../support/worlds.ts'

const NOW = 1_000_000
const serving: Phase = { kind: 'serving', sinceMs: 0 }

function withOneLost(others: readonly string[]): { desired: Desired; seen: SeenWorld } {
  const desired = desiredWith([
    ...['n1', ...others].map((name) => ({ kind: 'node-joined', node: nodeNamed(name) }) as const),
    applied(specNamed('web')),
    added('r1', 'web', { node: 'n1', phase: 'serving' }),
  ])
  const seen = new SeenWorld()
  for (const node of desired.nodes.keys()) seen.beat(node, NOW)
  for (const replica of desired.replicas.values()) seen.report(replica, serving)
  seen.beat('n1', NOW - 5_000)
  return { desired, seen }
}

test('plan() replaces the replicas of a lost node elsewhere, and forgets them when others serve', () => {
  const { desired, seen } = withOneLost(['n2'])
  const first = planned(desired, seen)
  expect(first).toMatchObject([
    { kind: 'node-condition', node: 'n1', condition: 'lost' },
    { kind: 'replica-added', replica: { node: 'n2' } },
  ])
  applyAll(desired, first, NOW)
  const fresh = [...desired.replicas.values()].find((replica) => replica.node === 'n2')
  if (fresh !== undefined) seen.report(fresh, serving)
  expect(planned(desired, seen).filter((c) => c.kind !== 'replica-phase')).toMatchObject([
    { kind: 'replica-removed', replica: 'r1', reason: expect.stringContaining('n1 is lost') },
  ])
})

test('plan() takes back the replicas of a lost node that returns before others serve', () => {
  const { desired, seen } = withOneLost([])
  applyAll(desired, planned(desired, seen), NOW)
  expect(desired.replicas.size).toBe(2)
  seen.beat('n1', NOW)
  applyAll(desired, planned(desired, seen), NOW)
  expect([...desired.replicas.keys()]).toEqual(['r1'])
})

test.each([
  { what: 'a removed service', more: [{ kind: 'service-removing', service: 'web' }] },
  { what: 'an older revision', more: [applied(specNamed('web', { command: ['new'] }), 1, 2)] },
  { what: 'a drain', more: [{ kind: 'replica-draining', replica: 'r1' }] },
  {
    what: 'a node that was deleted',
    more: [
      { kind: 'node-schedulability', node: 'n1', schedulability: 'leaving', pool: 'platform' },
    ],
  },
] as const)('plan() waits for no lost node with the replicas of $what', ({ more }) => {
  const { desired, seen } = withOneLost([])
  applyAll(desired, more, NOW)
  expect(planned(desired, seen).map(({ kind }) => kind)).toContain('replica-removed')
})

function planned(desired: Desired, seen: SeenWorld): readonly Change[] {
  return plan(desired, seen, { nowMs: NOW, limits: LIMITS, newId: counter('new-') }).changes
}
