import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Role } from '../../../master/surface.ts'
import { ApiWorld, heartbeat } from './api-world.ts'

let world: ApiWorld
let node = ''
beforeAll(async () => {
  world = await ApiWorld.start({ argv: ['--long-poll', '10ms'] })
  node = await world.join('w1')
})
afterAll(() => world.stop())

const ROLES: readonly Role[] = ['operator', 'viewer', 'node', 'proxy', 'join']

/** Every path of the API with the roles that may call it; admin always may, strangers never. */
const MATRIX: readonly (readonly [string, string, readonly Role[]])[] = [
  ['GET', '/v1/health', ['operator', 'viewer', 'node', 'proxy', 'join']],
  ['GET', '/metrics', ['operator', 'viewer']],
  ['PUT', '/v1/log-level', []],
  ['POST', '/v1/nodes', ['join', 'node']],
  ['GET', '/v1/nodes', ['operator', 'viewer']],
  ['GET', '/v1/nodes/n9', ['operator', 'viewer']],
  ['GET', '/v1/nodes/n9/series', ['operator', 'viewer']],
  ['DELETE', '/v1/nodes/n9', []],
  ['POST', '/v1/nodes/n9/release', ['operator']],
  ['POST', '/v1/nodes/n9/cordon', ['operator']],
  ['POST', '/v1/nodes/n9/open', ['operator']],
  ['POST', '/v1/nodes/n9/heartbeat', ['node']],
  ['GET', '/v1/nodes/n9/assignments', ['node']],
  ['POST', '/v1/nodes/n9/leave', ['node']],
  ['GET', '/v1/proxies', ['operator', 'viewer']],
  ['POST', '/v1/proxies', ['join', 'proxy']],
  ['DELETE', '/v1/proxies/p9', ['proxy']],
  ['GET', '/v1/routes', ['proxy', 'operator', 'viewer']],
  ['POST', '/v1/measurements', ['proxy']],
  ['GET', '/v1/services', ['operator', 'viewer']],
  ['POST', '/v1/services', ['operator']],
  ['GET', '/v1/services/s9', ['operator', 'viewer']],
  ['PUT', '/v1/services/s9', ['operator']],
  ['DELETE', '/v1/services/s9', ['operator']],
  ['POST', '/v1/services/s9/scale', ['operator']],
  ['GET', '/v1/services/s9/why', ['operator', 'viewer']],
  ['GET', '/v1/services/s9/series', ['operator', 'viewer']],
  ['GET', '/v1/replicas', ['operator', 'viewer']],
  ['GET', '/v1/replicas/r9', ['operator', 'viewer']],
  ['DELETE', '/v1/replicas/r9', ['operator']],
  ['GET', '/v1/events', ['operator', 'viewer']],
  ['GET', '/v1/replicas/r9/logs', ['operator', 'viewer']],
  ['GET', '/v1/replicas/r9/progress', ['operator', 'viewer']],
  ['GET', '/v1/replicas/r9/exec', ['operator']],
  ['GET', '/v1/nodes/n9/streams', ['node']],
]

test.each(MATRIX)('%s %s is served to %s and admin alone', async (method, path, allowed) => {
  const body = method === 'POST' || method === 'PUT' ? {} : undefined
  const nobody = await world.call(method, path, body, world.as('none'))
  expect([nobody.status, nobody.body.error.code]).toEqual([401, 'UNAUTHORIZED'])
  for (const role of ROLES) {
    const own = /\/(n9|p9)/.exec(path)?.[1]
    const { status, body: answer } = await world.call(method, path, body, world.as(role, own))
    const refusedForRole = status === 403 && answer.error.message.includes(`the role ${role}`)
    expect([role, refusedForRole]).toEqual([role, !allowed.includes(role)])
  }
  const { status } = await world.call(method, path, body, world.as('admin'))
  expect([401, 403]).not.toContain(status)
})

test('the matrix above names every path there is', async () => {
  const { apiRoutes } = await import('../../../master/api/routes/routes.ts')
  const master = { desired: world.parts.ledger.desired, proxies: {}, events: {} }
  const routes = apiRoutes(master as never, {} as never)
  const shown = routes.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort()
  const named = MATRIX.map(([method, path]) => `${method} ${path.replace(/[nsrp]9/, ':id')}`).sort()
  expect(shown).toEqual(named)
})

test('a node may speak for itself alone', async () => {
  const beat = (subject: string) =>
    world.call('POST', `/v1/nodes/${node}/heartbeat`, heartbeat(), world.as('node', subject))
  expect((await beat(node)).status).toBe(200)
  expect((await beat('another')).body.error.code).toBe('FORBIDDEN')
  const unnamed = world.call('GET', `/v1/nodes/${node}/assignments`, undefined, world.as('node'))
  expect((await unnamed).status).toBe(403)
})

test('a node comes back under its own name alone', async () => {
  const capacity = { cpus: 1, memoryMb: 1 }
  const join = { wire: 1, name: 'w1', driver: 'process', capacity }
  const back = await world.call('POST', '/v1/nodes', join, world.as('node', 'another'))
  expect(back.status).toBe(403)
  const fresh = { ...join, name: 'new' }
  expect((await world.call('POST', '/v1/nodes', fresh, world.as('node', node))).status).toBe(403)
})

test('a proxy may speak for itself alone', async () => {
  const join = { wire: 1, proxy: 'p1', boot: 'b', port: 1, adminPort: 1 }
  const post = (subject: string) =>
    world.call('POST', '/v1/proxies', join, world.as('proxy', subject))
  expect((await post('p1')).status).toBe(201)
  expect((await post('p2')).status).toBe(403)
  const leave = await world.call('DELETE', '/v1/proxies/p1', undefined, world.as('proxy', 'p2'))
  expect(leave.status).toBe(403)
})

test('a stranger does not learn which paths there are', async () => {
  const unknown = await world.call('GET', '/v1/nothing', undefined, world.as('none'))
  expect(unknown.status).toBe(401)
})
