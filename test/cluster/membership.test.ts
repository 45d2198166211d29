import { afterEach, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'
import { processesIn } from '../support/ground.ts'
import { Load } from '../support/load.ts'
import { freePort } from '../support/program.ts'
import { until } from '../support/until.ts'

let cluster: Cluster | undefined
afterEach(async () => {
  await cluster?.stop()
  cluster = undefined
})

/** Two workers, two replicas under load: whatever happens, no request fails. */
async function unnoticedByClients(act: (running: Cluster) => Promise<void>): Promise<void> {
  const running = await Cluster.start({ workers: 2 })
  cluster = running
  await running.run('web', { min: 2, autoscale: false })
  await running.serves('web', 2)
  const load = new Load(running.at('web'), 50)
  try {
    await until(() => load.answers.length > 20)
    await act(running)
  } finally {
    await load.stop()
  }
  expect(load.failed).toEqual([])
}

test('a worker joins with one command and is listed with id, address, CPU, RAM and condition (O-01, C-13)', async () => {
  cluster = await Cluster.start({ workers: 1 })
  const { nodes } = await cluster.api<{ nodes: Record<string, unknown>[] }>('/v1/nodes')
  expect(nodes).toHaveLength(1)
  expect(nodes[0]).toMatchObject({
    name: 'w1',
    address: '127.0.0.1',
    condition: 'ready',
    driver: 'process',
  })
  expect(nodes[0]?.cpuPercent).toBeTypeOf('number')
  expect(nodes[0]?.memoryPercent).toBeGreaterThan(0)
  const first = String(nodes[0]?.seenAt)
  await until(async () => String((await cluster?.nodes())?.[0]?.seenAt) > first)
})

test('the same worker comes back under the same id, its replicas untouched (O-02, W1)', async () => {
  cluster = await Cluster.start({ workers: 1 })
  await cluster.run('web', { min: 2, autoscale: false })
  const before = await cluster.serves('web', 2)
  const [node] = await cluster.nodes()
  for (const signal of ['SIGKILL', 'SIGKILL'] as const) {
    await cluster.workers.get('w1')?.end(signal)
    await cluster.startWorker('w1')
    await until(async () => {
      const [again] = (await cluster?.nodes()) ?? []
      return (
        again?.id === node?.id &&
        again?.condition === 'ready' &&
        String(again?.seenAt) > String(node?.seenAt)
      )
    })
  }
  const after = await cluster.serves('web', 2)
  expect(after.map(({ handle }) => handle).toSorted()).toEqual(
    before.map(({ handle }) => handle).toSorted(),
  )
  expect(await cluster.nodes()).toHaveLength(1)
})

test('another worker cannot take the name of one that is connected', async () => {
  cluster = await Cluster.start({ workers: 1 })
  const first = cluster.workers.get('w1')
  const second = await cluster.startWorker('w1', ['--data', `${cluster.dir}/other`])
  expect(await second.ended()).toBe(1)
  expect(second.output).toContain('a worker of that name is connected')
  if (first !== undefined) cluster.workers.set('w1', first)
  expect(first?.isRunning).toBe(true)
})

test('a worker that dies is lost after 5 s, its replicas run elsewhere and never twice (O-04, O-05, C-06, C-11)', async () => {
  cluster = await Cluster.start({ workers: 2 })
  await cluster.run('web', { min: 2, autoscale: false })
  await cluster.serves('web', 2)
  const load = new Load(cluster.at('web'), 50)
  try {
    await until(() => load.answers.length > 50)
    const killedAtMs = Date.now()
    await cluster.workers.get('w1')?.end('SIGKILL')
    await cluster.nodesAre('lost', 1)
    expect(Date.now() - killedAtMs).toBeGreaterThan(4_000)
    const replicas = await cluster.serves('web', 2)
    expect(new Set(replicas.map(({ nodeName }) => nodeName))).toEqual(new Set(['w2']))
    await until(() => load.since(Date.now() - 500).length > 10)
    await cluster.startWorker('w1')
    await cluster.nodesAre('ready', 2)
    const wanted = new Set((await cluster.serves('web', 2)).map(({ handle }) => Number(handle)))
    await until(
      () => cluster !== undefined && processesIn(cluster.dir).every((pid) => wanted.has(pid)),
    )
  } finally {
    await load.stop()
  }
  expect(load.failed).toEqual([])
}, 90_000)

test('deleting a node drains it: its replicas run elsewhere, its entry goes, its worker ends (O-06)', async () => {
  await unnoticedByClients(async (running) => {
    await running.api('/v1/nodes/w1', 'DELETE')
    await until(async () => (await running.nodes()).length === 1)
    const replicas = await running.serves('web', 2)
    expect(replicas.every(({ nodeName }) => nodeName === 'w2')).toBe(true)
    expect(await running.workers.get('w1')?.ended()).toBe(0)
  })
}, 90_000)

test('a worker that ends gracefully leaves the list after its replicas have moved (O-07)', async () => {
  await unnoticedByClients(async (running) => {
    expect(await running.workers.get('w1')?.end('SIGTERM')).toBe(0)
    await until(async () => (await running.nodes()).length === 1)
    const replicas = await running.serves('web', 2)
    expect(replicas.every(({ nodeName }) => nodeName === 'w2')).toBe(true)
  })
}, 90_000)

test('releasing a node moves its replicas and keeps it as a spare', async () => {
  cluster = await Cluster.start({ workers: 2 })
  await cluster.run('web', { min: 2, autoscale: false })
  await cluster.serves('web', 2)
  await cluster.api('/v1/nodes/w1/release', 'POST')
  await until(
    async () => (await cluster?.nodes())?.find(({ name }) => name === 'w1')?.pool === 'standby',
  )
  const replicas = await cluster.serves('web', 2)
  expect(replicas.every(({ nodeName }) => nodeName === 'w2')).toBe(true)
  expect((await cluster.nodes()).find(({ name }) => name === 'w1')).toMatchObject({
    condition: 'ready',
  })
}, 60_000)

test('a node over its limits takes nothing new until it is below them again (O-03)', async () => {
  cluster = new Cluster({ workers: 1, masterFlags: ['--busy-memory', '1'] })
  cluster.masterPort = await freePort()
  await cluster.startMaster()
  await cluster.startWorker('w1')
  await cluster.nodesAre('busy', 1)
  await cluster.run('web', { autoscale: false })
  const pending = await until(async () =>
    (await cluster?.replicas('web'))?.find((r) => r.state === 'pending'),
  )
  expect(pending?.reason).toContain('w1 is busy')
  await cluster.master?.end('SIGTERM')
  cluster.masterFlags = []
  await cluster.startMaster()
  await cluster.serves('web', 1)
}, 60_000)

test('workers reconnect by themselves after a master outage, nothing is restarted (O-26)', async () => {
  cluster = await Cluster.start({ workers: 2 })
  await cluster.run('web', { min: 2, autoscale: false })
  const before = await cluster.serves('web', 2)
  await cluster.master?.end('SIGKILL')
  const [worker] = cluster.workers.values()
  await until(() => worker?.output.includes('master') === true)
  await cluster.startMaster()
  await cluster.nodesAre('ready', 2)
  const after = await cluster.serves('web', 2)
  expect(after.map(({ handle }) => handle).toSorted()).toEqual(
    before.map(({ handle }) => handle).toSorted(),
  )
})
