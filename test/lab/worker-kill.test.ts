import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Cluster } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn } from '../support/host-containers.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'

const REPLICAS = 5
const KILLS = 20

describe.runIf(hasLab('that a killed worker takes up its containers'))('a killed worker', () => {
  let cluster: Cluster
  let host: LabHost

  beforeAll(async () => {
    const lab = await Lab.start({ hosts: 1 })
    cluster = await Cluster.start({ workers: 1, proxies: 1, ground: onHosts(lab) })
    host = lab.host('w1')
    await lab.importImage(host, 'web:1', 'node')
  })

  afterAll(() => cluster?.stop())

  test('twenty times under load: its containers run on, each adopted once, and no request fails', async () => {
    const spec = { image: 'web:1', health: { http: '/health' }, autoscale: false, min: REPLICAS }
    await cluster.api('/v1/services', 'POST', { name: 'web', ...spec })
    await cluster.serves('web', REPLICAS, 60_000)
    const before = await containersOn(host)
    const load = await cluster.load('web', 30)
    await until(() => load.replicas.size === REPLICAS)
    const revision = (await cluster.events()).at(-1)?.revision ?? 0
    const tookMs: number[] = []
    for (let kill = 1; kill <= KILLS; kill += 1) tookMs.push(await killOnce())
    await load.stop()

    console.info(`reported again after ms: ${tookMs.map((ms) => Math.round(ms)).join(' ')}`)
    expect(await containersOn(host)).toEqual(before)
    expect(load.failed).toEqual([])
    expect(load.answers.length).toBeGreaterThan(KILLS * 15)
    const changes = (await cluster.events(revision)).map(({ change }) => change)
    expect(changes.filter(({ kind }) => kind !== 'node-joined')).toEqual([])
    expect((await cluster.replicas('web')).map(({ restarts }) => restarts)).toEqual(
      Array.from({ length: REPLICAS }, () => 0),
    )
    await cluster.api('/v1/services/web', 'DELETE')
    await until(async () => (await containersOn(host)).length === 0)
  }, 180_000)

  /** Answers how long it took from the new worker's start to reports of all replicas. */
  async function killOnce(): Promise<number> {
    await cluster.workers.get('w1')?.end('SIGKILL')
    const startedAtMs = performance.now()
    const startedAt = new Date().toISOString()
    const worker = await cluster.startWorker('w1')
    await until(async () => {
      if (!worker.isRunning) throw new Error(`the worker ended: ${worker.output}`)
      const [node] = await cluster.nodes()
      return node?.seenAt !== undefined && node.seenAt > startedAt
    })
    const wellAtMs = performance.now()
    await cluster.serves('web', REPLICAS)
    expect(worker.output.match(/replica adopted/g)).toHaveLength(REPLICAS)
    expect(worker.output).not.toMatch(/replica (starts|stops|restarts)/)
    return wellAtMs - startedAtMs
  }
})
