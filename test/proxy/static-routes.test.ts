import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readStaticRoutes, staticTable } from '../../proxy/static-routes.ts'
import { parseYaml } from '../../shared/yaml-file.ts'
import { ROOT } from '../support/program.ts'

test('staticTable() reads services with endpoints, routes and an objective', () => {
  const { fragments, snapshot } = staticTable(
    parseYaml(`
services:
  - name: web
    image: nginx:1
    endpoints: ["127.0.0.1:80", "[::1]:81"]
    routes: [{ host: app.test, path: /x }]
    objective: p99.9 < 2s
  - name: api
    endpoints: []
`),
  )
  expect(snapshot).toBe(true)
  expect(fragments).toMatchObject([
    {
      name: 'web',
      image: 'nginx:1',
      objective: { percentile: 99.9, latencyTargetMs: 2_000 },
      routes: [{ host: 'app.test', path: '/x' }],
      endpoints: [
        { host: '127.0.0.1', port: 80 },
        { host: '::1', port: 81 },
      ],
    },
    { name: 'api', objective: { percentile: 95, latencyTargetMs: 100 }, endpoints: [] },
  ])
})

test('staticTable() reads weights, the balance, the concurrency and slow routes', () => {
  const [web, api] = staticTable(
    parseYaml(`
services:
  - name: web
    endpoints: ["127.0.0.1:80", { address: "127.0.0.1:81", weight: 3 }]
    routes: [{ path: /export, slow: true }]
    balance: least-connections
    sticky: client-ip
    concurrency: 4
  - name: api
    endpoints: []
`),
  ).fragments
  expect(web).toMatchObject({
    endpoints: [{ port: 80 }, { port: 81, weight: 3 }],
    routes: [{ path: '/export', slow: true }],
    balance: { policy: 'least-connections', sticky: 'client-ip' },
    concurrency: 4,
  })
  expect(web?.endpoints[0]).not.toHaveProperty('weight')
  expect(api).toMatchObject({ balance: { policy: 'queue', sticky: 'none' } })
  expect(api).not.toHaveProperty('concurrency')
})

test('readStaticRoutes() takes the example, and the documentation explains its words', () => {
  const { fragments } = readStaticRoutes(join(ROOT, 'examples/routes.yml'))
  expect(fragments.map(({ name, balance }) => [name, balance])).toEqual([
    ['web', { policy: 'queue', sticky: 'cookie' }],
    ['api', { policy: 'round-robin', sticky: 'none' }],
    ['reports', { policy: 'queue', sticky: 'none' }],
  ])
  const page = readFileSync(join(ROOT, 'docs/proxy.md'), 'utf8')
  const example = readFileSync(join(ROOT, 'examples/routes.yml'), 'utf8')
  const words = [...example.matchAll(/^[ -]*([a-z]+):/gm)].map(([, word = '']) => word)
  expect(words.filter((word) => word !== 'services' && !page.includes(word))).toEqual([])
})

test.each([
  ['an unknown balance', 'services: [{ name: a, endpoints: [], balance: random }]'],
  ['an unknown stickiness', 'services: [{ name: a, endpoints: [], sticky: always }]'],
  ['no concurrency', 'services: [{ name: a, endpoints: [], concurrency: 0 }]'],
  ['no weight', 'services: [{ name: a, endpoints: [{ address: "a:1", weight: 0 }] }]'],
  ['a weight without an address', 'services: [{ name: a, endpoints: [{ weight: 1 }] }]'],
  ['nothing', ''],
  ['an unknown key', 'services: [{ name: a, endpoints: [], color: red }]'],
  ['a name twice', 'services: [{ name: a, endpoints: [] }, { name: a, endpoints: [] }]'],
  ['an endpoint without a port', 'services: [{ name: a, endpoints: [localhost] }]'],
  ['an endpoint with a path', 'services: [{ name: a, endpoints: ["http://a:1/"] }]'],
  ['a port out of range', 'services: [{ name: a, endpoints: ["a:70000"] }]'],
  ['no objective', 'services: [{ name: a, endpoints: [], objective: fast }]'],
  ['an objective without a limit', 'services: [{ name: a, endpoints: [], objective: p95 < 0ms }]'],
])('staticTable() refuses %s', (_what, text) => {
  expect(() => staticTable(parseYaml(text))).toThrow()
})
