import { afterAll, beforeAll, expect, test } from 'vitest'
import { ApiWorld, heartbeat } from './api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await ApiWorld.start()
})
afterAll(() => world.stop())

test('every answer is JSON without caching and forbids to be shown as a page', async () => {
  for (const path of ['/v1/health', '/v1/nothing', '/v1/nodes/none']) {
    const { headers } = await world.call('GET', path)
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('etag')).toBeNull()
    expect(headers.get('x-powered-by')).toBeNull()
  }
})

const deep = `${'['.repeat(70)}${']'.repeat(70)}`
const veryDeep = '['.repeat(200_000)
const refused: readonly (readonly [string, string, string, number, string])[] = [
  ['GET', '/v1/nothing', '', 404, 'NOT_FOUND'],
  ['GET', '/', '', 404, 'NOT_FOUND'],
  ['GET', '/v1/nodes/%zz', '', 400, 'MALFORMED_REQUEST'],
  ['GET', '/v1/nodes/none', '', 404, 'NOT_FOUND'],
  ['GET', '/v1/services/__proto__', '', 404, 'NOT_FOUND'],
  ['PATCH', '/v1/services', '{}', 405, 'METHOD_NOT_ALLOWED'],
  ['OPTIONS', '/v1/services', '', 405, 'METHOD_NOT_ALLOWED'],
  ['POST', '/v1/services', '{', 400, 'MALFORMED_JSON'],
  ['POST', '/v1/services', '1', 400, 'MALFORMED_JSON'],
  ['POST', '/v1/services', '{"name":NaN}', 400, 'MALFORMED_JSON'],
  ['POST', '/v1/services', '[]', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/services', '{"name":"a","image":"b","__proto__":{}}', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/services', '{"a":[{"constructor":1}]}', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/services', '{"name":"a","image":"b","port":1e999}', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/services', deep, 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/services', veryDeep, 400, 'MALFORMED_JSON'],
  ['POST', '/v1/services', `"${'x'.repeat(300_000)}"`, 413, 'PAYLOAD_TOO_LARGE'],
  ['POST', '/v1/measurements', `"${'x'.repeat(1_100_000)}"`, 413, 'PAYLOAD_TOO_LARGE'],
  ['PUT', '/v1/services/a', '{"name":"b","image":"c"}', 422, 'VALIDATION_ERROR'],
  ['PUT', '/v1/services/A', '{"image":"c"}', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/services/none/scale', '{"replicas":1}', 404, 'NOT_FOUND'],
  ['PUT', '/v1/log-level', '{"level":"loud"}', 422, 'VALIDATION_ERROR'],
  ['GET', '/v1/events?limit=1001', '', 422, 'VALIDATION_ERROR'],
  ['GET', '/v1/events?after=-1', '', 422, 'VALIDATION_ERROR'],
  ['GET', '/v1/events?after=x', '', 422, 'VALIDATION_ERROR'],
  ['GET', '/v1/events?after=1&after=2', '', 422, 'VALIDATION_ERROR'],
  ['GET', '/v1/replicas?servce=web', '', 422, 'VALIDATION_ERROR'],
  ['GET', '/v1/replicas?service=none', '', 404, 'NOT_FOUND'],
  ['GET', '/v1/routes?after=1', '', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/nodes', '{"wire":2}', 426, 'WIRE_VERSION'],
  ['POST', '/v1/nodes', '{"wire":1}', 422, 'VALIDATION_ERROR'],
  ['POST', '/v1/nodes/none/heartbeat', JSON.stringify(heartbeat()), 404, 'UNKNOWN_NODE'],
  ['POST', '/v1/nodes/none/leave', '', 404, 'UNKNOWN_NODE'],
  ['GET', '/v1/nodes/none/assignments?after=0', '', 404, 'UNKNOWN_NODE'],
]
test.each(refused)(
  '%s %s with %.40s is refused with %d %s',
  async (...[method, path, body, status, code]) => {
    const reply = await world.call(method, path, body === '' ? undefined : body)
    expect([reply.status, reply.body.error.code]).toEqual([status, code])
    expect(reply.body.error.message).toMatch(/^Cannot /)
    expect(JSON.stringify(reply.body)).not.toContain('.ts:')
  },
)

test('a method that a path does not take is answered with those it takes', async () => {
  const { headers } = await world.call('PATCH', '/v1/services/a', {})
  expect(headers.get('allow')?.split(', ').sort()).toEqual(['DELETE', 'GET', 'PUT'])
})

const types = ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']
test.each(types)('a write of type %s is refused with 415', async (type) => {
  const reply = await world.call('POST', '/v1/services', '{}', { 'content-type': type })
  expect([reply.status, reply.body.error.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE'])
})

test('a compressed body is refused with 415', async () => {
  const reply = await world.call('POST', '/v1/services', '{}', { 'content-encoding': 'gzip' })
  expect(reply.status).toBe(415)
})

test('a write without a body is refused with a sentence', async () => {
  const reply = await world.call('POST', '/v1/services', undefined, {
    'content-type': 'application/json',
  })
  expect([reply.status, reply.body.error.code]).toEqual([422, 'VALIDATION_ERROR'])
})

test('a service goes from its creation to its removal', async () => {
  const created = await world.call('POST', '/v1/services', { name: 'shop', image: 'nginx', min: 2 })
  expect(created.status).toBe(201)
  expect(created.body).toMatchObject({ name: 'shop', replicas: 2, revision: 1, path: '/s/shop/' })
  expect((await world.call('POST', '/v1/services', { name: 'shop', image: 'x' })).status).toBe(409)
  const { id } = created.body
  for (const text of [id, 'shop', id.slice(0, 9)]) {
    expect((await world.call('GET', `/v1/services/${text}`)).body.id).toBe(id)
  }
  const put = await world.call('PUT', '/v1/services/shop', { image: 'nginx:2', max: 4 })
  expect([put.status, put.body.revision, put.body.replicas]).toEqual([200, 2, 2])
  const scaled = await world.call('POST', '/v1/services/shop/scale', { replicas: 4 })
  expect([scaled.status, scaled.body.replicas]).toEqual([200, 4])
  const over = await world.call('POST', '/v1/services/shop/scale', { replicas: 5 })
  expect([over.status, over.body.error.message]).toEqual([
    422,
    'Cannot scale "shop" to 5: its maximum is 4',
  ])
  expect((await world.call('DELETE', '/v1/services/shop')).status).toBe(202)
  expect((await world.call('DELETE', '/v1/services/shop')).status).toBe(202)
  const again = await world.call('PUT', '/v1/services/shop', { image: 'nginx' })
  expect([again.status, again.body.error.code]).toEqual([409, 'CONFLICT'])
  const put2 = await world.call('PUT', '/v1/services/other', { image: 'nginx' })
  expect(put2.status).toBe(201)
})

test('what a validation found is listed, each with its path', async () => {
  const { body } = await world.call('POST', '/v1/services', { name: 'X', port: 0, nope: 1 })
  expect(body.error.details).toHaveLength(3)
  expect(body.error.details.join(' ')).toMatch(/name: .*port: .*nope/)
})

test('dangerous text is stored as it is', async () => {
  const environment = { A: `'; rm -rf / #$(reboot)\`x\`"`, B: "__import__('os')", C: '\u2028<b>' }
  const command = ['sh -c "reboot"', '$(reboot)', '|']
  await world.call('POST', '/v1/services', { name: 'odd', command, environment })
  const { spec } = (await world.call('GET', '/v1/services/odd')).body
  expect([spec.environment, spec.command]).toEqual([environment, command])
})

test('who changed what is in the log', async () => {
  const operator = world.as('operator', 'ada')
  await world.call('POST', '/v1/services', { name: 'logged', image: 'nginx' }, operator)
  const { events, revision } = (await world.call('GET', '/v1/events')).body
  const last = events.at(-1)
  expect(last).toMatchObject({
    revision,
    change: { kind: 'service-applied', actor: 'operator ada' },
  })
})

test('a removed node is told that it is gone', async () => {
  const node = await world.join('leaver')
  await world.apply({ kind: 'node-removed', node })
  const beat = await world.beat(node)
  expect([beat.status, beat.body.error.code]).toEqual([410, 'GONE'])
  const asNode = world.as('node', node)
  const join = { name: 'leaver', wire: 1 }
  expect((await world.call('POST', '/v1/nodes', join, asNode)).status).toBe(410)
})

test('nodes are released, cordoned, opened and deleted', async () => {
  const id = await world.join('turner')
  const turn = async (path: string, method = 'POST') => {
    const { status, body } = await world.call(method, `/v1/nodes/turner${path}`)
    return [status, body.schedulability]
  }
  expect(await turn('/cordon')).toEqual([200, 'cordoned'])
  expect(await turn('/open')).toEqual([200, 'open'])
  expect(await turn('/release')).toEqual([202, 'draining'])
  expect(await turn('/release')).toEqual([202, 'draining'])
  expect(await turn('', 'DELETE')).toEqual([202, 'leaving'])
  expect((await world.call('GET', `/v1/nodes/${id}`)).body.name).toBe('turner')
})

test('the log level is set by an admin', async () => {
  const reply = await world.call('PUT', '/v1/log-level', { level: 'debug' })
  expect([reply.status, reply.body, world.parts.levels.at(-1)]).toEqual([
    200,
    { level: 'debug' },
    'debug',
  ])
})

test('metrics are plain text', async () => {
  const reply = await world.call('GET', '/metrics')
  expect([reply.status, reply.body]).toEqual([200, 'up 1\n'])
  expect(reply.headers.get('content-type')).toContain('text/plain; version=0.0.4')
})

test('a degraded master answers 503 with its health', async () => {
  const sick = await ApiWorld.start({
    change: (master) => ({
      ...master,
      health: () => ({ ...master.health(), status: 'degraded' }),
    }),
  })
  try {
    const { status, body } = await sick.call('GET', '/v1/health')
    expect([status, body.status]).toEqual([503, 'degraded'])
  } finally {
    await sick.stop()
  }
})

test('a fault of the master is told without its inside, which the log keeps', async () => {
  const broken = await ApiWorld.start({
    change: (master) => ({
      ...master,
      metrics: () => Promise.reject(new Error('secret inside')),
    }),
  })
  try {
    const { status, body } = await broken.call('GET', '/metrics')
    expect([status, body.error.code]).toEqual([500, 'INTERNAL_ERROR'])
    expect(JSON.stringify(body)).not.toContain('secret inside')
    expect(broken.parts.logged.join('\n')).toContain('secret inside')
  } finally {
    await broken.stop()
  }
})
