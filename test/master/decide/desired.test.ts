import { expect, test } from 'vitest'
import { Desired, templateOf } from '../../../master/decide/desired.ts'
import { decode, encode } from '../../../master/ledger.ts'
import type { ServiceSpec } from '../../../shared/model.ts'
import {
  added,
  applied,
  applyAll,
  desiredWith,
  nodeNamed,
  specNamed,
} from '../../support/worlds.ts'

test('apply() keeps every index in step with the changes', () => {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1') },
    applied(specNamed('web'), 2),
    added('r1', 'web', { node: 'n1' }),
    added('r2', 'web'),
    { kind: 'replica-assigned', replica: 'r2', node: 'n1' },
    { kind: 'replica-removed', replica: 'r1' },
  ])
  expect(desired.revision).toBe(6)
  expect(desired.replicasOn('n1').map(({ id }) => id)).toEqual(['r2'])
  expect(desired.replicasOf('web').map(({ id }) => id)).toEqual(['r2'])
  expect(desired.assignmentsRevision('n1')).toBe(6)
  expect(desired.serviceNamed('web')?.replicas).toBe(2)
  expect(desired.nodeNamed('n1')?.id).toBe('n1')
})

test('apply() keeps an older template while a replica runs with it, and no longer', () => {
  const desired = desiredWith([
    applied(specNamed('web', { command: ['v1'] })),
    added('r1', 'web', { node: 'n1' }),
    applied(specNamed('web', { command: ['v2'] }), 1, 2),
  ])
  const updated = desired.services.get('web')
  expect(updated === undefined ? [] : templateOf(updated, 1).command).toEqual(['v1'])
  expect(updated === undefined ? [] : templateOf(updated, 2).command).toEqual(['v2'])
  applyAll(desired, [{ kind: 'replica-removed', replica: 'r1' }])
  expect(desired.services.get('web')?.previous).toEqual([])
})

test('apply() remembers which nodes were removed on purpose', () => {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1') },
    { kind: 'node-removed', node: 'n1' },
  ])
  expect(desired.wasRemoved('n1')).toBe(true)
  expect(desired.nodeNamed('n1')).toBeUndefined()
})

test('apply() ignores changes to what is gone', () => {
  const desired = desiredWith([
    { kind: 'replica-draining', replica: 'r9' },
    { kind: 'node-condition', node: 'n9', condition: 'lost' },
    { kind: 'service-scaled', service: 's9', replicas: 3 },
  ])
  expect(desired.save()).toMatchObject({ nodes: [], services: [], replicas: [] })
})

test('a snapshot gives back the same state, names like __proto__ included', () => {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('__proto__') },
    { kind: 'node-joined', node: nodeNamed('n1') },
    { kind: 'node-removed', node: 'n1' },
    applied(specNamed('web', { environment: { constructor: 'x' } }), 2),
    added('r1', 'web', { node: '__proto__' }),
  ])
  const restored = new Desired()
  restored.restore(decode(encode(desired.save())))
  expect(restored.save()).toEqual(desired.save())
  expect(restored.wasRemoved('n1')).toBe(true)
  expect(restored.replicasOn('__proto__')).toHaveLength(1)
})

test('apply() completes a template of an earlier version, and leaves one of this version alone', () => {
  const { networks: _n, volumes: _v, labels: _l, init: _i, pull: _p, ...most } = specNamed('web')
  const { balance: _b, ...older } = most
  const { pidsMax: _, ...resources } = older.resources
  const spec = { ...older, resources, network: 'front' } as unknown as ServiceSpec
  const whole = specNamed('shop')
  const desired = desiredWith([applied(spec), applied(whole)])
  expect(desired.serviceNamed('web')?.spec).toEqual(specNamed('web', { networks: ['front'] }))
  expect(desired.serviceNamed('shop')?.spec).toBe(whole)
})
