/** The own engine and its queue as part of a whole cluster of real programs. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cluster, type ClusterShape } from '../support/cluster.ts'
import { Load } from '../support/load.ts'
import { ROOT } from '../support/program.ts'
import { fragmentOf, routed, tableOf } from '../support/routing-table.ts'
import { until } from '../support/until.ts'

let cluster: Cluster
let delayFile: string

async function begin(shape: ClusterShape = {}): Promise<void> {
  cluster = await Cluster.start({ workers: 2, ...shape })
  delayFile = join(cluster.dir, 'delay')
}

afterEach(() => cluster?.stop())

describe('with one proxy', () => {
  beforeEach(() => begin())

  test('a request to a service at zero wakes it, waits for it and is answered', async () => {
    const environment = { START_AFTER_MS: '500' }
    await cluster.run('web', { min: 0, replicas: 0, environment })
    expect(await fragmentOf(cluster, 'web')).toMatchObject({ endpoints: [], comes: true })
    const answer = await fetch(cluster.at('web', '/echo?1'))
    expect([answer.status, await answer.text()]).toEqual([200, '?1'])
    const scaled = (await cluster.events()).flatMap(({ change }) =>
      change.kind === 'service-scaled' ? [[change.replicas, change.decision?.rule]] : [],
    )
    expect(scaled).toEqual([[1, 'woken']])
    await cluster.api('/v1/services/web/scale', 'POST', { replicas: 0 })
    await until(async () => (await fragmentOf(cluster, 'web')).endpoints.length === 0)
    expect((await fetch(cluster.at('web', '/echo?2'))).status).toBe(200)
  })

  test('requests wait while the first replica of a service starts', async () => {
    await cluster.run('web', { autoscale: false, environment: { START_AFTER_MS: '2000' } })
    expect(await fragmentOf(cluster, 'web')).toMatchObject({ endpoints: [], comes: true })
    const asked = Array.from({ length: 20 }, (_, at) => fetch(cluster.at('web', `/echo?${at}`)))
    await until(async () => {
      const { queued } = await tableOf(cluster.proxies[0])
      return Object.values(queued)[0] === 20
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
    await runByCli('web', '--sticky', 'cookie', '--min', '3', '--no-autoscale')
    await routed(cluster, 'web', 3)
    expect((await fragmentOf(cluster, 'web')).balance).toEqual({
      policy: 'queue',
      sticky: 'cookie',
    })
    const homes = new Set<string>()
    for (let client = 1; client <= 6; client += 1) homes.add(await homeOfClient())
    expect(homes.size).toBeGreaterThan(1)
  })

  test('--balance round-robin asks in turn, however busy replicas are; the queue holds back', async () => {
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
    writeFileSync(delayFile, '150')
    const routes = ['--slow-route', '/export', '--route', '/']
    await runByCli('web', ...routes, '--environment', `DELAY_FILE:${delayFile}`)
    await cluster.serves('web', 1)
    expect((await fragmentOf(cluster, 'web')).routes).toEqual([
      { path: '/' },
      { path: '/export', slow: true },
    ])
    const base = cluster.proxies[0]?.url
    const exports = new Load(`${base}/export`, 40)
    await until(() => exports.answers.length >= 150)
    await exports.stop()
    expect(exports.failed).toEqual([])
    expect((await cluster.service('web')).percentileMs ?? 0).toBeLessThan(100)
    expect((await cluster.service('web')).replicas).toBe(1)
    const others = new Load(`${base}/page`, 40)
    await until(async () => (await cluster.service('web')).replicas === 2)
    await others.stop()
    expect(others.failed).toEqual([])
  })

  /** Asked again and again with the cookie that it got, it meets one replica. */
  async function homeOfClient(): Promise<string> {
    const first = await fetch(cluster.at('web'))
    const home = String(first.headers.get('x-replica'))
    const [cookie = ''] = String(first.headers.get('set-cookie')).split(';')
    await first.text()
    for (let at = 0; at < 10; at += 1) {
      const again = await fetch(cluster.at('web'), { headers: { cookie } })
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
})

describe('with two proxies', () => {
  // It takes some seconds of more than its replica can do.
  beforeEach(() => begin({ proxies: 2, proxyFlags: ['--wait-max', '1m'] }))

  test('permits are learned under load, and shared by demand', async () => {
    const command = [process.execPath, join(ROOT, 'dist/examples/sample-service.js')]
    const environment = { SLOTS: '2', DELAY_MS: '30' }
    await cluster.run('web', { autoscale: false, command, environment })
    const [replica] = await cluster.serves('web', 1)
    const shares = async (): Promise<readonly number[]> => {
      const tables = await Promise.all(cluster.proxies.map(tableOf))
      return tables.map(({ permits }) => permits[replica?.id ?? ''] ?? 0)
    }
    const loads = cluster.proxies.map(({ url }) => new Load(`${url}/s/web/`, 40))
    // Nothing is known yet of what it can do at once.
    await until(async () => sum(await shares()) >= 16)
    const isLearned = async (): Promise<boolean> =>
      (await tableOf(cluster.proxies[0])).learned.length === 1
    await until(async () => sum(await shares()) <= 6 && (await isLearned()), { timeoutMs: 60_000 })
    await loads[1]?.stop()
    await until(async () => (await shares())[1] === 1, { timeoutMs: 45_000 })
    expect((await shares())[0]).toBeGreaterThan(1)
    await loads[0]?.stop()
    expect(loads.flatMap(({ failed }) => failed)).toEqual([])
  }, 120_000)
})

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function runByCli(name: string, ...flags: readonly string[]): Promise<string> {
  const program = ['--', process.execPath, join(ROOT, 'test/support/service.mjs')]
  return cluster.cli('run', name, '--health', '/health', ...flags, ...program)
}
