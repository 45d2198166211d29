/** The own engine and its queue as part of a whole cluster of real programs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'
import { Load } from '../support/load.ts'
import { ROOT } from '../support/program.ts'
import { fragmentOf, routed, tableOf } from '../support/routing-table.ts'
import { until } from '../support/until.ts'

let cluster: Cluster

beforeAll(async () => {
  // Permits are learned from some seconds of more than a replica can do.
  cluster = await Cluster.start({ workers: 1, proxies: 2, proxyFlags: ['--wait-max', '1m'] })
})
afterAll(() => cluster?.stop())

test('a request to a service at zero wakes it, waits for it and is answered', async () => {
  const environment = { START_AFTER_MS: '500' }
  await cluster.run('zero', { min: 0, replicas: 0, environment })
  expect(await fragmentOf(cluster, 'zero')).toMatchObject({ endpoints: [], comes: true })
  const answer = await fetch(cluster.at('zero', '/echo?1'))
  expect([answer.status, await answer.text()]).toEqual([200, '?1'])
  const { id } = await cluster.service('zero')
  const scaled = (await cluster.events()).flatMap(({ change }) =>
    change.kind === 'service-scaled' && change.service === id
      ? [[change.replicas, change.decision?.rule]]
      : [],
  )
  expect(scaled).toEqual([[1, 'woken']])
  await cluster.api('/v1/services/zero/scale', 'POST', { replicas: 0 })
  await until(async () => (await fragmentOf(cluster, 'zero')).endpoints.length === 0)
  expect((await fetch(cluster.at('zero', '/echo?2'))).status).toBe(200)
})

test('requests wait while the first replica of a service starts', async () => {
  await cluster.run('slow-start', { autoscale: false, environment: { START_AFTER_MS: '2000' } })
  const { service, ...fragment } = await fragmentOf(cluster, 'slow-start')
  expect(fragment).toMatchObject({ endpoints: [], comes: true })
  const asked = Array.from({ length: 20 }, (_, at) =>
    fetch(cluster.at('slow-start', `/echo?${at}`)),
  )
  await until(async () => {
    const { queued } = await tableOf(cluster.proxies[0])
    return queued[service] === 20
  })
  const answers = await Promise.all(asked)
  expect(answers.map(({ status }) => status)).toEqual(asked.map(() => 200))
})

test('a service whose replica cannot start does not let requests wait', async () => {
  await cluster.run('bad', { autoscale: false, command: ['/no/such/program'] })
  await fragmentOf(cluster, 'bad')
  const answer = await fetch(cluster.at('bad'))
  expect(answer.status).toBe(503)
  expect(answer.headers.get('x-orchestrify-reason')).toBe('NO_REPLICA')
})

test('--sticky cookie keeps a client with its replica', async () => {
  await runByCli('sticky', '--sticky', 'cookie', '--min', '3', '--no-autoscale')
  await routed(cluster, 'sticky', 3)
  expect((await fragmentOf(cluster, 'sticky')).balance).toEqual({
    policy: 'queue',
    sticky: 'cookie',
  })
  const homes = new Set<string>()
  for (let client = 1; client <= 6; client += 1) homes.add(await homeOfClient())
  expect(homes.size).toBeGreaterThan(1)
})

test('--balance round-robin asks in turn, however busy replicas are; the queue holds back', async () => {
  const delayFile = join(cluster.dir, 'delay-of-balance')
  const delayed = ['--environment', `DELAY_FILE:${delayFile}`]
  const common = ['--min', '2', '--no-autoscale', '--concurrency', '1', ...delayed]
  await runByCli('turns', '--balance', 'round-robin', ...common)
  await runByCli('queue', ...common)
  for (const name of ['turns', 'queue']) {
    await routed(cluster, name, 2)
    // A new replica is spared until it has shown how fast it is.
    await until(async () => (await known(name)).size === 2)
  }
  writeFileSync(delayFile, '1000')
  expect((await fragmentOf(cluster, 'turns')).balance?.policy).toBe('round-robin')
  expect(await loadOf('turns', 4)).toEqual({ inFlight: [2, 2], queued: 0 })
  expect(await loadOf('queue', 4)).toEqual({ inFlight: [1, 1], queued: 2 })
})

test('--slow-route does not count against the objective, other routes do', async () => {
  const delayFile = join(cluster.dir, 'delay-of-export')
  writeFileSync(delayFile, '150')
  const routes = ['--slow-route', '/export', '--route', '/']
  await runByCli('export', ...routes, '--environment', `DELAY_FILE:${delayFile}`)
  await cluster.serves('export', 1)
  expect((await fragmentOf(cluster, 'export')).routes).toEqual([
    { path: '/' },
    { path: '/export', slow: true },
  ])
  const base = cluster.proxies[0]?.url
  const exports = new Load(`${base}/export`, 40)
  await until(() => exports.answers.length >= 150)
  await exports.stop()
  expect(exports.failed).toEqual([])
  expect((await cluster.service('export')).percentileMs ?? 0).toBeLessThan(100)
  expect((await cluster.service('export')).replicas).toBe(1)
  const others = new Load(`${base}/page`, 40)
  await until(async () => (await cluster.service('export')).replicas === 2)
  await others.stop()
  expect(others.failed).toEqual([])
})

test('permits are learned under load, and shared by demand', async () => {
  const command = [process.execPath, join(ROOT, 'dist/examples/sample-service.js')]
  const environment = { SLOTS: '2', DELAY_MS: '30' }
  const { id } = await cluster.run('learned', { autoscale: false, command, environment })
  const [replica] = await cluster.serves('learned', 1)
  const shares = async (): Promise<readonly number[]> => {
    const tables = await Promise.all(cluster.proxies.map(tableOf))
    return tables.map(({ permits }) => permits[replica?.id ?? ''] ?? 0)
  }
  const loads = cluster.proxies.map(({ url }) => new Load(`${url}/s/learned/`, 50))
  // Nothing is known yet of what it can do at once.
  await until(async () => sum(await shares()) >= 16)
  await until(async () => sum(await shares()) <= 6, { timeoutMs: 60_000 })
  await until(async () => (await tableOf(cluster.proxies[0])).learned.includes(id), {
    timeoutMs: 60_000,
  })
  await loads[1]?.stop()
  await until(async () => (await shares())[1] === 1, { timeoutMs: 45_000 })
  expect((await shares())[0]).toBeGreaterThan(1)
  await loads[0]?.stop()
  expect(loads.flatMap(({ failed }) => failed)).toEqual([])
}, 180_000)

/** Asked again and again with the cookie that it got, it meets one replica. */
async function homeOfClient(): Promise<string> {
  const first = await fetch(cluster.at('sticky'))
  const home = String(first.headers.get('x-replica'))
  const [cookie = ''] = String(first.headers.get('set-cookie')).split(';')
  await first.text()
  for (let at = 0; at < 10; at += 1) {
    const again = await fetch(cluster.at('sticky'), { headers: { cookie } })
    await again.text()
    expect(again.headers.get('x-replica')).toBe(home)
    expect(again.headers.get('set-cookie')).toBeNull()
  }
  return home
}

/** The replicas that answered some requests, one after the other. */
async function known(name: string): Promise<ReadonlySet<string>> {
  const seen = new Set<string>()
  for (let at = 0; at < 8; at += 1) {
    const answer = await fetch(cluster.at(name))
    await answer.text()
    seen.add(String(answer.headers.get('x-replica')))
  }
  return seen
}

/** What is where once so many requests came at once. */
async function loadOf(name: string, requests: number): Promise<unknown> {
  const { service } = await fragmentOf(cluster, name)
  const ids = (await cluster.replicas(name)).map(({ id }) => id)
  const asked = Array.from({ length: requests }, () => fetch(cluster.at(name)))
  const seen = await until(async () => {
    const table = await tableOf(cluster.proxies[0])
    const inFlight = ids.map((id) => table.inFlight[id] ?? 0)
    const queued = table.queued[service] ?? 0
    const all = inFlight.reduce((sum, one) => sum + one, queued)
    return all === requests ? { inFlight, queued } : undefined
  })
  for (const answer of await Promise.all(asked)) expect(answer.status).toBe(200)
  return seen
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function runByCli(name: string, ...flags: readonly string[]): Promise<string> {
  const program = ['--', process.execPath, join(ROOT, 'test/support/service.mjs')]
  return cluster.cli('run', name, '--health', '/health', ...flags, ...program)
}
