import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'
import { until } from '../support/until.ts'

let cluster: Cluster
beforeAll(async () => {
  cluster = await Cluster.start({ workers: 2 })
  await cluster.run('web', {
    image: 'shop/web:1.25',
    min: 2,
    autoscale: false,
    routes: [{ host: 'shop.test' }],
  })
  await cluster.run('api', { image: 'shop/api:2', autoscale: false, routes: [{ path: '/api' }] })
  await cluster.serves('web', 2)
  await cluster.serves('api', 1)
  await until(async () => (await fetch(cluster.at('api'))).status === 200)
  await until(async () => (await fetch(cluster.at('web'))).status === 200)
})
afterAll(() => cluster?.stop())

interface Echo {
  readonly replica: string
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly body: string
}

function envelope(body: unknown): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const headers = { 'content-type': 'application/json' }
  return fetch(`${cluster.proxies[0]?.url}/proxy`, { method: 'POST', body: text, headers })
}

test('requests rotate fairly among the replicas of each service (O-14)', async () => {
  const counts = new Map<string, number>()
  for (let at = 0; at < 40; at += 1) {
    const response = await fetch(cluster.at('web'))
    const { replica } = (await response.json()) as Echo
    counts.set(replica, (counts.get(replica) ?? 0) + 1)
    await (await fetch(cluster.at('api'))).text()
  }
  expect([...counts.values()].toSorted()).toEqual([20, 20])
})

test('a service answers by path, by Host and by its name', async () => {
  const byName = (await (await fetch(cluster.at('web', '/a/b?c=1'))).json()) as Echo
  expect(byName.url).toBe('/a/b?c=1')
  const byPath = (await (await fetch(`${cluster.proxies[0]?.url}/api/x`)).json()) as Echo
  expect(byPath.url).toBe('/api/x')
  expect((await fetch(`${cluster.proxies[0]?.url}/nowhere`)).status).toBe(404)
})

test('POST /proxy works as in the first system: by service and by image (O-15)', async () => {
  const named = await envelope({
    name: 'web',
    method: 'GET',
    headers: { 'x-a': 'b' },
    payload: { q: '1' },
  })
  expect(named.status).toBe(200)
  const echo = (await named.json()) as Echo
  expect(echo).toMatchObject({ method: 'GET', url: '/?q=1' })
  expect(echo.headers['x-a']).toBe('b')
  const byImage = await envelope({
    name: 'shop/api:2',
    method: 'POST',
    path: '/p',
    payload: { a: [1] },
  })
  expect((await byImage.json()) as Echo).toMatchObject({
    method: 'POST',
    url: '/p',
    body: '{"a":[1]}',
  })
})

const refused: readonly { why: string; body: unknown; status: number }[] = [
  { why: 'an unknown name', body: { name: 'nope' }, status: 404 },
  { why: 'no name', body: {}, status: 400 },
  { why: 'a name that is not a text', body: { name: 7 }, status: 400 },
  { why: 'an unsupported method', body: { name: 'web', method: 'TRACE' }, status: 400 },
  {
    why: 'a path to another host',
    body: { name: 'web', path: 'http://127.0.0.1:1/' },
    status: 400,
  },
  {
    why: 'a line break in a header',
    body: { name: 'web', headers: { a: 'b\r\nc: d' } },
    status: 400,
  },
  { why: 'no JSON', body: '{"name":', status: 400 },
  { why: 'the name __proto__', body: '{"name":"__proto__"}', status: 404 },
]
test.each(refused)('POST /proxy answers $status to $why', async ({ body, status }) => {
  expect((await envelope(body)).status).toBe(status)
})

test('a service without a serving replica answers 503 with the reason', async () => {
  await cluster.run('off', { command: ['/no/such/program'] })
  await until(async () => (await fetch(cluster.at('off'))).status === 503)
  const answer = await envelope({ name: 'off' })
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('off')
})
