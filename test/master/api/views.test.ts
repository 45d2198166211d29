import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Phase } from '../../../shared/model.ts'
import type { ReplicaReport } from '../../../shared/protocol.ts'
import { added, applied, nodeNamed, specNamed } from '../../support/worlds.ts'
import { ApiWorld, heartbeat } from './api-world.ts'

let world: ApiWorld
let node = ''
beforeEach(async () => {
  world = await ApiWorld.start()
  node = await world.join('w1')
  await world.apply(applied(specNamed('web', { image: 'shop/web:1' }), 2))
})
afterEach(() => world.stop())

const TOTALS = {
  ...{ networkInBytes: 1, networkOutBytes: 2 },
  ...{ diskReadBytes: 3, diskWriteBytes: 4 },
}

function report(id: string, phase: Phase): ReplicaReport {
  const measured = { cpuPercent: 12.345, memoryMb: 3, handle: '4711', ...TOTALS }
  return { replica: id, service: 'web', revision: 1, phase, restarts: 2, port: 20_001, ...measured }
}

async function replica(id: string) {
  return (await world.call('GET', `/v1/replicas/${id}`)).body
}

test('a node is shown with its last load', async () => {
  expect((await world.call('GET', '/v1/nodes/w1')).body.seenAt).toBeUndefined()
  await world.beat(node)
  const { body } = await world.call('GET', '/v1/nodes')
  expect(body.nodes).toHaveLength(1)
  expect(body.nodes[0]).toMatchObject({
    id: node,
    name: 'w1',
    address: '10.0.0.1',
    condition: 'ready',
    pool: 'platform',
    cpuPercent: 12.3,
    memoryPercent: 50,
    cpuReserved: 0,
    memoryReservedMb: 0,
    replicas: 0,
  })
  expect(body.nodes[0]).not.toHaveProperty('reason')
  expect(body.nodes[0]).not.toHaveProperty('trouble')
  expect(Date.parse(body.nodes[0].seenAt)).toBeGreaterThan(0)
  expect(JSON.stringify(body)).not.toContain('secretHash')
})

test('a node shows what its replicas reserve, each by the template of its own revision', async () => {
  const { resources } = specNamed('web')
  const larger = { ...resources, cpuReserved: 0.25, memoryReservedMb: 100 }
  await world.apply(
    added('replica-1', 'web', { node }),
    applied(specNamed('web', { resources: larger }), 2, 2),
    added('replica-2', 'web', { node, revision: 2 }),
  )
  expect((await world.call('GET', '/v1/nodes/w1')).body).toMatchObject({
    cpuReserved: 0.35,
    memoryReservedMb: 164,
    replicas: 2,
  })
})

test('a node that is not ready says why, and what troubles its worker', async () => {
  const trouble = 'the Docker Engine does not answer'
  await world.call('POST', `/v1/nodes/${node}/heartbeat`, heartbeat({ trouble }))
  await world.apply({ kind: 'node-condition', node, condition: 'busy' })
  const seen = async () => (await world.call('GET', '/v1/nodes/w1')).body
  expect(await seen()).toMatchObject({ condition: 'busy', reason: trouble, trouble })
  await world.call('POST', '/v1/nodes/w1/cordon')
  await world.apply({ kind: 'node-condition', node, condition: 'cordoned' })
  expect(await seen()).toMatchObject({ reason: 'it takes nothing new', trouble })
})

const phases: readonly (readonly [Phase, string, string | undefined])[] = [
  [{ kind: 'starting', sinceMs: 1 }, 'starting', undefined],
  [{ kind: 'serving', sinceMs: 1 }, 'serving', undefined],
  [{ kind: 'unhealthy', sinceMs: 1, reason: 'timeout' }, 'unhealthy', 'timeout'],
  [{ kind: 'waiting', sinceMs: 1, reason: 'died 3 times' }, 'waiting', 'died 3 times'],
  [{ kind: 'failed', sinceMs: 1, reason: 'no such file' }, 'failed', 'no such file'],
  [{ kind: 'stopping', sinceMs: 1 }, 'stopping', undefined],
]
test.each(phases)('a replica whose worker reports %j is %s', async (phase, state, reason) => {
  await world.apply(added('replica-1', 'web', { node }))
  await world.beat(node, [report('replica-1', phase)])
  expect(await replica('replica-1')).toMatchObject({
    state,
    ...(reason === undefined ? {} : { reason }),
    url: 'http://10.0.0.1:20001',
    serviceName: 'web',
    image: 'shop/web:1',
    nodeName: 'w1',
    restarts: 2,
    cpuPercent: 12.3,
    handle: '4711',
    ...TOTALS,
  })
})

test('a replica without a place says why', async () => {
  await world.apply(
    added('replica-1', 'web'),
    { kind: 'replica-pending', replica: 'replica-1', reason: 'all nodes are full' },
    added('replica-2', 'web'),
  )
  const first = await replica('replica-1')
  expect(first).toMatchObject({ state: 'pending', reason: 'all nodes are full' })
  expect(await replica('replica-2')).toMatchObject({
    state: 'pending',
    reason: 'it waits for a place',
  })
})

test('what is not known is said to be unknown', async () => {
  await world.apply(
    { kind: 'node-joined', node: nodeNamed('w2', { condition: 'lost' }) },
    added('replica-1', 'web', { node }),
    added('replica-2', 'web', { node: 'w2' }),
    added('replica-3', 'web', { node: 'w3' }),
  )
  const reasons = []
  for (const id of ['replica-1', 'replica-2', 'replica-3']) {
    const { state, reason } = await replica(id)
    reasons.push(`${state}: ${reason}`)
  }
  expect(reasons).toEqual([
    'unknown: node w1 has not reported to this master yet',
    'unknown: node w2 is lost',
    'unknown: its node was removed',
  ])
  await world.beat(node)
  expect((await replica('replica-1')).state).toBe('assigned')
})

test('a replica on its way out is draining, then listed until its worker has stopped it', async () => {
  await world.apply(added('replica-1', 'web', { node }))
  await world.beat(node, [report('replica-1', { kind: 'serving', sinceMs: 1 })])
  await world.apply({ kind: 'replica-draining', replica: 'replica-1' })
  expect((await replica('replica-1')).state).toBe('draining')
  await world.apply({ kind: 'replica-removed', replica: 'replica-1' })
  expect((await world.call('GET', '/v1/replicas')).body.replicas).toMatchObject([
    { id: 'replica-1', state: 'stopping', reason: 'it is no longer wanted', nodeName: 'w1' },
  ])
  expect((await replica('repl')).state).toBe('stopping')
  await world.beat(node, [])
  expect((await world.call('GET', '/v1/replicas/replica-1')).status).toBe(404)
})

test('replicas are listed by service and by node', async () => {
  await world.apply(
    { kind: 'node-joined', node: nodeNamed('w2') },
    applied(specNamed('api')),
    added('replica-1', 'web', { node }),
    added('replica-2', 'web', { node: 'w2' }),
    added('replica-3', 'api', { node: 'w2' }),
  )
  const ids = async (query: string) =>
    (await world.call('GET', `/v1/replicas${query}`)).body.replicas.map((r: { id: string }) => r.id)
  expect(await ids('')).toEqual(['replica-1', 'replica-2', 'replica-3'])
  expect(await ids('?service=web')).toEqual(['replica-1', 'replica-2'])
  expect(await ids('?node=w2')).toEqual(['replica-2', 'replica-3'])
  expect(await ids('?service=web&node=w2')).toEqual(['replica-2'])
  expect((await world.call('GET', '/v1/replicas/repl')).status).toBe(409)
})

test('deleting a replica takes it away for good', async () => {
  await world.apply(added('replica-1', 'web', { node }), added('replica-2', 'web', { node }))
  const gone = await world.call('DELETE', '/v1/replicas/replica-1')
  expect([gone.status, gone.body.state]).toEqual([202, 'draining'])
  expect((await world.call('GET', '/v1/services/web')).body.replicas).toBe(1)
  await world.call('DELETE', '/v1/replicas/replica-2')
  const web = world.parts.ledger.desired.serviceNamed('web')
  expect(web?.removing).toBe(true)
})

test('a service is shown with its counts, its demand and where to ask it', async () => {
  await world.apply(
    added('replica-1', 'web', { node }),
    added('replica-2', 'web', { node }),
    added('replica-3', 'web'),
    { kind: 'service-advice', service: 'web', advice: 'Add a worker' },
  )
  await world.beat(node, [
    report('replica-1', { kind: 'serving', sinceMs: 1 }),
    report('replica-2', { kind: 'starting', sinceMs: 1 }),
  ])
  const join = { wire: 1, proxy: 'p1', boot: 'b1', address: '10.0.0.9', port: 8080, adminPort: 1 }
  await world.call('POST', '/v1/proxies', join)
  // A replica serves nobody before the proxies are told of it.
  expect((await world.call('GET', '/v1/services/web')).body).toMatchObject({ serving: 0 })
  const endpoint = { replica: 'replica-1', node, host: '10.0.0.1', port: 1, suspect: false }
  const objective = { percentile: 95, latencyTargetMs: 100 }
  const fragment = { service: 'web', name: 'web', objective, routes: [], endpoints: [endpoint] }
  world.parts.routes.publish([fragment])
  expect((await world.call('GET', '/v1/services/web')).body).toMatchObject({
    objective: 'p95 < 100ms',
    serving: 1,
    starting: 1,
    pending: 1,
    advice: 'Add a worker',
    path: '/s/web/',
    urls: ['http://10.0.0.9:8080/s/web/'],
  })
  const latency = { sumMs: 400, buckets: [100, 40] }
  const measured = { service: 'web', arrivals: 40, errors: 4, queued: 0, queueMs: 0, latency }
  const sent = { wire: 1, proxy: 'p1', boot: 'b1', seq: 1, durationMs: 1_000, inFlight: {} }
  const routes = { epoch: 1, seq: 0 }
  const services = [{ ...measured, replicas: [] }]
  await world.call('POST', '/v1/measurements', { ...sent, routes, services })
  const { percentileMs, requestsPerSecond, errorsPerSecond } = (
    await world.call('GET', '/v1/services/web')
  ).body
  expect(percentileMs).toBeGreaterThan(0)
  expect(requestsPerSecond).toBeGreaterThan(20)
  expect(errorsPerSecond).toBeGreaterThan(2)
})

test('why shows the decision in force and the stretches before it', async () => {
  const decision = (atMs: number, replicas: number) => ({
    service: 'web',
    atMs,
    rule: 'calm' as const,
    replicas,
    reason: 'it is calm',
    inputs: { replicas } as never,
  })
  expect((await world.call('GET', '/v1/services/web/why')).body.history).toEqual([])
  for (const made of [decision(1_000, 1), decision(2_000, 1), decision(3_000, 2)]) {
    world.parts.decisions.add(made)
  }
  const { body } = await world.call('GET', '/v1/services/web/why')
  expect(body.service.name).toBe('web')
  expect(body.decision).toMatchObject({ atMs: 3_000, replicas: 2, reason: 'it is calm' })
  expect(body.history).toMatchObject([
    { evaluations: 1, sinceAt: '1970-01-01T00:00:03.000Z' },
    { evaluations: 2, sinceAt: '1970-01-01T00:00:01.000Z', untilAt: '1970-01-01T00:00:02.000Z' },
  ])
})

test("a worker's impossible clock does not break the list", async () => {
  await world.beat(node, [report('ghost', { kind: 'serving', sinceMs: 1e300 })])
  expect((await world.call('GET', '/v1/replicas')).status).toBe(200)
})
