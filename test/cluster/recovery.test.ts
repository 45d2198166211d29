import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'
import { processesIn } from '../support/ground.ts'
import { Load } from '../support/load.ts'
import { until } from '../support/until.ts'

let cluster: Cluster | undefined
afterEach(async () => {
  await cluster?.stop()
  cluster = undefined
})

test('with two proxies, a master restart and a drain under load fail no request and restart nothing', async () => {
  cluster = await Cluster.start({ workers: 2, proxies: 2 })
  await cluster.run('web', { min: 2, autoscale: false })
  const before = await cluster.serves('web', 2)
  const loads = cluster.proxies.map(({ url }) => new Load(`${url}/s/web/`, 50))
  try {
    await until(() => loads.every((load) => load.answers.length > 50))
    await cluster.master?.end('SIGKILL')
    const killedAtMs = Date.now()
    await until(() => loads.every((load) => load.since(killedAtMs + 500).length > 50))
    await cluster.startMaster()
    await cluster.nodesAre('ready', 2)
    const after = await cluster.serves('web', 2)
    expect(after.map(({ handle }) => handle).toSorted()).toEqual(
      before.map(({ handle }) => handle).toSorted(),
    )
    await cluster.api('/v1/nodes/w1/release', 'POST')
    await until(
      async () => (await cluster?.nodes())?.find(({ name }) => name === 'w1')?.pool === 'standby',
    )
    await cluster.serves('web', 2)
    const drainedAtMs = Date.now()
    await until(() => loads.every((load) => load.since(drainedAtMs).length > 25))
  } finally {
    await Promise.all(loads.map((load) => load.stop()))
  }
  expect(loads.flatMap((load) => load.failed)).toEqual([])
  expect((await cluster.replicas('web')).map(({ restarts }) => restarts)).toEqual([0, 0])
}, 90_000)

test('a replica that dies is restarted on its port without any node failing (C-10, R1)', async () => {
  cluster = await Cluster.start({ workers: 1 })
  await cluster.run('web', { min: 2, autoscale: false })
  const [victim] = await cluster.serves('web', 2)
  process.kill(Number(victim?.handle), 'SIGKILL')
  const again = await until(async () => {
    const replicas = (await cluster?.replicas('web')) ?? []
    const same = replicas.find(
      ({ id, state, handle }) =>
        id === victim?.id && state === 'serving' && handle !== victim?.handle,
    )
    return same
  })
  expect(again).toMatchObject({ url: victim?.url, restarts: 1 })
  await cluster.serves('web', 2)
})

test('a replica whose start fails is shown failed with the reason and tried elsewhere (C-08)', async () => {
  cluster = await Cluster.start({ workers: 2 })
  await cluster.run('bad', { command: ['/no/such/program'] })
  const failed = await until(async () => {
    const entries = (await cluster?.events()) ?? []
    const removed = entries.filter(({ change }) => change.kind === 'replica-removed')
    return removed.length >= 2 ? removed : undefined
  })
  expect(failed?.[0]?.change.reason).toContain('/no/such/program')
  const nodes = (await cluster.events()).flatMap(({ change }) =>
    change.kind === 'replica-added' ? [change.replica.node] : [],
  )
  expect(new Set(nodes.slice(0, 2)).size).toBe(2)
  expect((await cluster.service('bad')).serving).toBe(0)
  const answer = await fetch(cluster.at('bad'))
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
}, 60_000)

test('an unhealthy replica leaves the rotation at once and comes back (T-07, T-08, O-20)', async () => {
  cluster = await Cluster.start({ workers: 1 })
  const delayFile = join(cluster.dir, 'delay')
  writeFileSync(delayFile, '0')
  const health = { http: '/', interval: '200ms', timeout: '300ms', failures: 2, successes: 2 }
  await cluster.run('web', { health, environment: { DELAY_FILE: delayFile } })
  await cluster.serves('web', 1)
  writeFileSync(delayFile, '600')
  const unhealthy = await until(async () =>
    (await cluster?.replicas('web'))?.find((r) => r.state === 'unhealthy'),
  )
  expect(unhealthy?.reason).toBeTruthy()
  await until(async () => (await fetch(cluster?.at('web') ?? '')).status === 503)
  writeFileSync(delayFile, '0')
  await cluster.serves('web', 1)
  await until(async () => (await fetch(cluster?.at('web') ?? '')).status === 200)
}, 60_000)

test('what a worker runs without an assignment is undone when it hears so (C-11, C-14, R3)', async () => {
  cluster = await Cluster.start({ workers: 1 })
  await cluster.run('web', { autoscale: false })
  await cluster.serves('web', 1)
  await cluster.workers.get('w1')?.end('SIGKILL')
  await cluster.api('/v1/services/web', 'DELETE')
  await until(async () => (await cluster?.call('/v1/services/web'))?.status === 404, {
    timeoutMs: 45_000,
  })
  expect(processesIn(cluster.dir)).not.toEqual([])
  await cluster.startWorker('w1')
  await until(() => cluster !== undefined && processesIn(cluster.dir).length === 0)
}, 90_000)

test('a proxy serves its last table after a restart without a master', async () => {
  cluster = await Cluster.start({ workers: 1 })
  await cluster.run('web', { autoscale: false })
  const [replica] = await cluster.serves('web', 1)
  const kept = join(cluster.dir, `proxy-${new URL(cluster.at('web')).port}`, 'routes.json')
  await until(() => readFileSync(kept, 'utf8').includes(replica?.id ?? '?'))
  await cluster.master?.end('SIGKILL')
  await cluster.restartProxy(0)
  expect((await fetch(cluster.at('web'))).status).toBe(200)
})

test('deleting a replica of an unreachable worker is not forgotten (O-13)', async () => {
  cluster = await Cluster.start({ workers: 1 })
  await cluster.run('web', { min: 2, autoscale: false })
  const [victim] = await cluster.serves('web', 2)
  await cluster.workers.get('w1')?.end('SIGKILL')
  await cluster.api(`/v1/replicas/${victim?.id.slice(0, 8)}`, 'DELETE')
  await until(async () => (await cluster?.service('web'))?.replicas === 1)
  expect(processesIn(cluster.dir)).toContain(Number(victim?.handle))
  await cluster.startWorker('w1')
  await cluster.serves('web', 1)
  const gone = (): boolean => !processesIn(cluster?.dir ?? '').includes(Number(victim?.handle))
  await until(gone)
  expect((await cluster.replicas('web')).map(({ id }) => id)).not.toContain(victim?.id)
}, 60_000)

test('a new template replaces one replica at a time, start first, and no request fails (C-15)', async () => {
  cluster = await Cluster.start({ workers: 2 })
  const { spec } = await cluster.run('web', { min: 2, autoscale: false })
  const before = await cluster.serves('web', 2)
  const load = new Load(cluster.at('web'), 50)
  try {
    await until(() => load.answers.length > 20)
    const { command, health } = { command: spec.command, health: { http: '/health' } }
    const body = { command, health, min: 2, autoscale: false, environment: { VERSION: '2' } }
    await cluster.api('/v1/services/web', 'PUT', body)
    const ids = new Set(before.map(({ id }) => id))
    await until(async () => {
      const now = (await cluster?.replicas('web')) ?? []
      const fresh = now.every(({ id, revision, state }) => {
        return revision === 2 && state === 'serving' && !ids.has(id)
      })
      return now.length === 2 && fresh
    })
    const updatedAtMs = Date.now()
    await until(() => load.since(updatedAtMs).length > 25)
  } finally {
    await load.stop()
  }
  expect(load.failed).toEqual([])
  expect((await cluster.service('web')).replicas).toBe(2)
}, 60_000)
