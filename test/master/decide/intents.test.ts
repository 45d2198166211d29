import { expect, test } from 'vitest'
import type { Desired } from '../../../master/decide/desired.ts'
import type { Meaning } from '../../../master/decide/intents/at.ts'
import { findNode, findReplica, findService } from '../../../master/decide/intents/find.ts'
import { cordonNode, drainNode, openNode, removeNode } from '../../../master/decide/intents/node.ts'
import { removeReplica } from '../../../master/decide/intents/replica.ts'
import {
  createService,
  putService,
  removeService,
  scaleService,
} from '../../../master/decide/intents/service.ts'
import { RequestError } from '../../../shared/errors.ts'
import type { ServiceSpec } from '../../../shared/model.ts'
import { added, applied, counter, desiredWith, nodeNamed, specNamed } from '../../support/worlds.ts'

const newId = counter('id')

/** Carries the request out and answers what was changed. */
function run(desired: Desired, meaning: Meaning): readonly string[] {
  const changes = meaning(desired, { nowMs: 5_000, actor: 'admin', newId })
  for (const change of changes) {
    expect(change).toMatchObject({ atMs: 5_000, actor: 'admin' })
    expect(change.reason).not.toBe('')
    desired.apply(change, desired.revision + 1)
  }
  return changes.map(({ kind }) => kind)
}

function refusal(desired: Desired, meaning: Meaning): string {
  try {
    run(desired, meaning)
  } catch (error) {
    if (error instanceof RequestError) return `${error.status} ${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

const bounds = (replicasMin: number, replicasMax: number): Partial<ServiceSpec> => ({
  bounds: { replicasMin, replicasMax },
})
const UNLIMITED = {}

test('createService() begins with the minimum and refuses a taken name', () => {
  const desired = desiredWith([])
  const create = createService({ spec: specNamed('web', bounds(2, 5)) }, UNLIMITED)
  expect(run(desired, create)).toEqual(['service-applied'])
  expect(desired.serviceNamed('web')).toMatchObject({
    replicas: 2,
    revision: 1,
    createdAtMs: 5_000,
  })
  expect(refusal(desired, create)).toBe('409 CONFLICT: Cannot create service "web": it exists')
})

test('putService() counts a revision only when the template changed', () => {
  const desired = desiredWith([applied(specNamed('web', bounds(1, 10)), 4)])
  const put = (spec: ServiceSpec) => run(desired, putService({ spec }, UNLIMITED))
  const state = () => {
    const { revision, replicas } = desired.serviceNamed('web') ?? { revision: 0, replicas: 0 }
    return [revision, replicas]
  }
  expect(put(specNamed('web', bounds(1, 10)))).toEqual([])
  put(specNamed('web', { ...bounds(1, 3), autoscale: false }))
  expect(state()).toEqual([1, 3])
  put(specNamed('web', { objective: { percentile: 99, latencyTargetMs: 5 }, ...bounds(1, 10) }))
  expect(state()).toEqual([1, 3])
  const balance = { policy: 'p2c', sticky: 'cookie' } as const
  put(specNamed('web', { balance, concurrency: 4, ...bounds(1, 10) }))
  expect(state()).toEqual([1, 3])
  put(specNamed('web', { command: ['other'], ...bounds(1, 10) }))
  expect(state()).toEqual([2, 3])
  put(specNamed('web', { environment: { A: '1' }, command: ['other'], ...bounds(6, 10) }))
  expect(state()).toEqual([3, 6])
})

test('putService() creates what does not exist', () => {
  const desired = desiredWith([])
  const request = { spec: specNamed('web'), replicas: 3 }
  expect(run(desired, putService(request, UNLIMITED))).toEqual(['service-applied'])
  expect(desired.serviceNamed('web')?.replicas).toBe(3)
})

const scales = [
  { wanted: { replicas: 3 }, after: { replicas: 3, bounds: [2, 5] }, kinds: ['service-scaled'] },
  { wanted: { replicas: 2 }, after: { replicas: 2, bounds: [2, 5] }, kinds: [] },
  { wanted: { min: 4 }, after: { replicas: 4, bounds: [4, 5] }, kinds: ['service-applied'] },
  {
    wanted: { min: 1, max: 1 },
    after: { replicas: 1, bounds: [1, 1] },
    kinds: ['service-applied'],
  },
  {
    wanted: { replicas: 9, max: 9 },
    after: { replicas: 9, bounds: [2, 9] },
    kinds: ['service-applied'],
  },
  {
    wanted: { autoscale: false },
    after: { replicas: 2, bounds: [2, 5] },
    kinds: ['service-applied'],
  },
  {
    wanted: { replicas: 0, min: 0 },
    after: { replicas: 0, bounds: [0, 5] },
    kinds: ['service-applied'],
  },
] as const
test.each(scales)('scaleService($wanted) keeps count and bounds together', (row) => {
  const desired = desiredWith([applied(specNamed('web', bounds(2, 5)), 2)])
  expect(run(desired, scaleService('web', row.wanted, UNLIMITED))).toEqual(row.kinds)
  const web = desired.serviceNamed('web')
  expect(web?.replicas).toBe(row.after.replicas)
  expect([web?.spec.bounds.replicasMin, web?.spec.bounds.replicasMax]).toEqual(row.after.bounds)
  expect(web?.revision).toBe(1)
})

const refusedScales = [
  {
    wanted: { replicas: 1 },
    sentence: '422 VALIDATION_ERROR: Cannot scale "web" to 1: its minimum is 2',
  },
  {
    wanted: { replicas: 6 },
    sentence: '422 VALIDATION_ERROR: Cannot scale "web" to 6: its maximum is 5',
  },
  {
    wanted: { min: 6 },
    sentence:
      '422 VALIDATION_ERROR: Cannot scale "web": its minimum of 6 is above its maximum of 5',
  },
] as const
test.each(refusedScales)('scaleService($wanted) is refused by the bound it names', (row) => {
  const desired = desiredWith([applied(specNamed('web', bounds(2, 5)), 2)])
  expect(refusal(desired, scaleService('web', row.wanted, UNLIMITED))).toBe(row.sentence)
})

test('no more replicas are promised than the master allows in total', () => {
  const desired = desiredWith([applied(specNamed('a', bounds(1, 10)), 3)])
  const limits = { replicasTotalMax: 4 }
  const two = createService({ spec: specNamed('b', bounds(2, 4)) }, limits)
  expect(refusal(desired, two)).toBe(
    '409 RESOURCE_EXHAUSTED: Cannot add 2 to "b": the cluster has 3 of at most 4 replicas',
  )
  const wider = specNamed('a', bounds(6, 10))
  expect(refusal(desired, putService({ spec: wider }, limits))).toContain('Cannot add 3 to "a"')
  expect(refusal(desired, scaleService('a', { replicas: 5 }, limits))).toContain('EXHAUSTED')
  expect(run(desired, scaleService('a', { replicas: 4 }, limits))).toEqual(['service-scaled'])
  expect(run(desired, scaleService('a', { replicas: 2 }, limits))).toEqual(['service-scaled'])
})

test('what is on its way out no longer counts against the most replicas of the cluster', () => {
  const desired = desiredWith([
    applied(specNamed('a', bounds(1, 10)), 3),
    { kind: 'service-removing', service: 'a' },
  ])
  const three = createService({ spec: specNamed('b', bounds(3, 3)) }, { replicasTotalMax: 3 })
  expect(run(desired, three)).toEqual(['service-applied'])
})

test('a host and path lead to one service', () => {
  const routes = [{ host: 'shop.test' }, { host: 'shop.test', path: '/api' }]
  const desired = desiredWith([applied(specNamed('web', { routes }))])
  const taken = createService({ spec: specNamed('b', { routes: [{ host: 'SHOP.test' }] }) }, {})
  expect(refusal(desired, taken)).toContain('it leads to "web"')
  const free = createService({ spec: specNamed('b', { routes: [{ path: '/api' }] }) }, {})
  expect(run(desired, free)).toEqual(['service-applied'])
  expect(run(desired, putService({ spec: specNamed('web', { routes }) }, {}))).toEqual([])
})

test('a service on its way out can be neither changed nor made anew', () => {
  const desired = desiredWith([applied(specNamed('web'), 2), added('r1', 'web', { node: 'n1' })])
  expect(run(desired, removeService('web'))).toEqual(['service-removing'])
  expect(run(desired, removeService('web'))).toEqual([])
  expect(run(desired, removeReplica('r1'))).toEqual([])
  const spec = specNamed('web')
  expect(refusal(desired, putService({ spec }, {}))).toContain('it is being removed')
  expect(refusal(desired, scaleService('web', { replicas: 1 }, {}))).toContain('being removed')
  expect(refusal(desired, createService({ spec }, {}))).toContain('409 CONFLICT')
})

test('removeReplica() takes one away for good, and the last one takes its service along', () => {
  const desired = desiredWith([
    applied(specNamed('web', bounds(2, 5)), 3),
    added('r1', 'web', { node: 'n1' }),
    added('r2', 'web', { node: 'n1' }),
    added('r3', 'web'),
  ])
  expect(run(desired, removeReplica('r1'))).toEqual(['service-scaled', 'replica-draining'])
  expect(run(desired, removeReplica('r1'))).toEqual([])
  expect(run(desired, removeReplica('r3'))).toEqual(['service-applied', 'replica-removed'])
  expect(desired.serviceNamed('web')).toMatchObject({ replicas: 1, revision: 1 })
  expect(desired.serviceNamed('web')?.spec.bounds).toEqual({ replicasMin: 1, replicasMax: 5 })
  expect(run(desired, removeReplica('r2'))).toEqual(['service-removing'])
})

const turns = [
  { from: 'open', pool: 'platform', meaning: drainNode, after: 'draining platform' },
  { from: 'draining', pool: 'platform', meaning: drainNode, after: undefined },
  { from: 'open', pool: 'standby', meaning: drainNode, after: undefined },
  { from: 'cordoned', pool: 'platform', meaning: drainNode, after: 'draining platform' },
  { from: 'leaving', pool: 'platform', meaning: drainNode, after: '409' },
  { from: 'open', pool: 'platform', meaning: removeNode, after: 'leaving platform' },
  { from: 'leaving', pool: 'platform', meaning: removeNode, after: undefined },
  { from: 'open', pool: 'platform', meaning: cordonNode, after: 'cordoned platform' },
  { from: 'cordoned', pool: 'platform', meaning: cordonNode, after: undefined },
  { from: 'draining', pool: 'platform', meaning: cordonNode, after: '409' },
  { from: 'leaving', pool: 'platform', meaning: cordonNode, after: '409' },
  { from: 'open', pool: 'platform', meaning: openNode, after: undefined },
  { from: 'open', pool: 'standby', meaning: openNode, after: 'open platform' },
  { from: 'cordoned', pool: 'platform', meaning: openNode, after: 'open platform' },
  { from: 'draining', pool: 'platform', meaning: openNode, after: 'open platform' },
] as const
test.each(turns)('$meaning.name() of a node that is $from in $pool: $after', (row) => {
  const node = nodeNamed('n1', { schedulability: row.from, pool: row.pool })
  const desired = desiredWith([{ kind: 'node-joined', node }])
  if (row.after === '409') {
    expect(refusal(desired, row.meaning('n1'))).toContain('409 CONFLICT')
    return
  }
  const kinds = run(desired, row.meaning('n1'))
  expect(kinds).toEqual(row.after === undefined ? [] : ['node-schedulability'])
  const after = desired.nodes.get('n1')
  const same = `${row.from} ${row.pool}`
  expect(`${after?.schedulability} ${after?.pool}`).toBe(row.after ?? same)
})

test('ids are found whole, by name, and by a beginning that is the only one', () => {
  const desired = desiredWith([
    { kind: 'node-joined', node: nodeNamed('n1', { id: 'abcd-1' }) },
    { kind: 'node-joined', node: nodeNamed('n2', { id: 'abcd-2' }) },
    applied(specNamed('service-1')),
    added('replica-1', 'service-1'),
  ])
  expect(findNode(desired, 'abcd-1').name).toBe('n1')
  expect(findNode(desired, 'n2').id).toBe('abcd-2')
  expect(findService(desired, 'serv').id).toBe('service-1')
  expect(findReplica(desired, 'repl').id).toBe('replica-1')
  expect(() => findNode(desired, 'abcd')).toThrow('several ids begin with it')
  expect(() => findReplica(desired, 'rep')).toThrow('Cannot find replica "rep"')
  expect(() => findService(desired, '')).toThrow('Cannot find service ""')
})
