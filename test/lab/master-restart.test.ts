import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ReplicaView } from '../../shared/api.ts'
import { Cluster } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn, containersOnAll, type HostContainer } from '../support/host-containers.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import type { Load } from '../support/load.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const REPLICAS = 3

describe.runIf(hasLab('that hosts go on without their master'))('three hosts', () => {
  let lab: Lab
  let cluster: Cluster
  let host: LabHost
  let load: Load
  let before: readonly HostContainer[]

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 3 })
    cluster = await Cluster.start({ workers: 3, proxies: 1, ground: onHosts(lab) })
    host = lab.host('w1')
    await Promise.all(lab.hosts.map((each) => lab.importImage(each, 'web:1', 'node')))
  })

  afterAll(() => cluster?.stop())

  beforeEach(async () => {
    await cluster.nodesAre('ready', 3, 60_000)
    const spec = { image: 'web:1', health: { http: '/health' }, autoscale: false, min: REPLICAS }
    await cluster.api('/v1/services', 'POST', { name: 'web', ...spec })
    await cluster.serves('web', REPLICAS, 60_000)
    before = await everything()
    load = await cluster.load('web', 30)
    await until(() => load.replicas.size === REPLICAS)
  }, 120_000)

  afterEach(async () => {
    await load.stop()
    await tidy(cluster, lab.hosts)
  }, 120_000)

  test('do not notice a master that is killed and started again (O-26)', async () => {
    await cluster.master?.end('SIGKILL')
    const killedAtMs = Date.now()
    await until(() => load.since(killedAtMs).length > 60, SLOW)
    await cluster.startMaster()
    await cluster.nodesAre('ready', 3, 60_000)
    await cluster.serves('web', REPLICAS, 60_000)
    const backAtMs = Date.now()
    await until(() => load.since(backAtMs).length > 60, SLOW)
    await load.stop()
    expect(load.failed).toEqual([])
    expect(await everything()).toEqual(before)
  }, 120_000)

  test('keep a master that is killed during a deployment to its word: it goes on where it was', async () => {
    const [old] = await cluster.replicas('web')
    const spec = { image: 'web:1', health: { http: '/health' }, autoscale: false, min: REPLICAS }
    await cluster.api('/v1/services/web', 'PUT', { ...spec, environment: { VERSION: '2' } })
    await until(async () => (await cluster.replicas('web')).some((r) => r.revision === 2), SLOW)
    await cluster.master?.end('SIGKILL')
    await cluster.startMaster()
    await until(async () => {
      const now = await cluster.replicas('web')
      return now.length === REPLICAS && now.every((r) => r.revision === 2 && r.state === 'serving')
    }, SLOW)
    await load.stop()
    expect(load.failed).toEqual([])
    const wanted = (await cluster.replicas('web')).map(({ id }) => id).toSorted()
    expect(wanted).not.toContain(old?.id)
    await until(async () => (await replicasThere()).join() === wanted.join(), SLOW)
  }, 120_000)

  test('whose worker is killed while the master is away: it adopts, and restarts what dies', async () => {
    const [mine] = await containersOn(host)
    await cluster.master?.end('SIGKILL')
    await cluster.workers.get('w1')?.end('SIGKILL')
    const worker = await cluster.startWorker('w1')
    await until(() => worker.output.includes('replica adopted'), SLOW)
    expect(await everything()).toEqual(before)
    await host.docker(['kill', mine?.id ?? ''])
    const again = await until(async () => {
      const [only, ...others] = await containersOn(host)
      return others.length === 0 && only?.isRunning && only.id !== mine?.id ? only : undefined
    }, SLOW)
    expect(again.replica).toBe(mine?.replica)
    await until(() => worker.output.match(/replica serves/g)?.length === 2, SLOW)
    await cluster.startMaster()
    await cluster.nodesAre('ready', 3, 60_000)
    const replicas = await cluster.serves('web', REPLICAS, 60_000)
    expect(replicas.find(({ id }) => id === mine?.replica)).toMatchObject({ handle: again.id })
    expect(idsOf(replicas)).toEqual(before.map(({ replica }) => replica).toSorted())
    await load.stop()
    expect(load.failed).toEqual([])
  }, 120_000)

  function everything(): Promise<readonly HostContainer[]> {
    return containersOnAll(lab.hosts)
  }

  async function replicasThere(): Promise<readonly string[]> {
    return (await everything()).map(({ replica }) => replica).toSorted()
  }
})

function idsOf(replicas: readonly ReplicaView[]): readonly string[] {
  return replicas.map(({ id }) => id).toSorted()
}
