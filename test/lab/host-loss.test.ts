import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ReplicaView } from '../../shared/api.ts'
import { Cluster } from '../support/cluster.ts'
import { output } from '../support/command.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn, containersOnAll, networksOn } from '../support/host-containers.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import type { Load } from '../support/load.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const REPLICAS = 3

describe.runIf(hasLab('that a lost host is replaced'))('a lost host', () => {
  let lab: Lab
  let cluster: Cluster
  let lost: LabHost
  let load: Load

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 3 })
    cluster = await Cluster.start({ workers: 3, proxies: 1, ground: onHosts(lab) })
    lost = lab.host('w1')
    await Promise.all(lab.hosts.map((host) => lab.importImage(host, 'web:1', 'node')))
  })

  afterAll(() => cluster?.stop())

  beforeEach(async () => {
    await cluster.nodesAre('ready', 3, 60_000)
    const spec = { image: 'web:1', health: { http: '/health' }, autoscale: false, min: REPLICAS }
    await cluster.api('/v1/services', 'POST', { name: 'web', ...spec, network: 'front' })
    const replicas = await cluster.serves('web', REPLICAS, 60_000)
    expect(nodesOf(replicas)).toEqual(['w1', 'w2', 'w3'])
    load = await cluster.load('web', 30)
    await until(() => load.replicas.size === REPLICAS)
  }, 120_000)

  afterEach(async () => {
    await load.stop()
    await tidy(cluster, lab.hosts)
  }, 120_000)

  test('by power: its replicas serve elsewhere in time; booted again it is clean (C-06, C-11, R3)', async () => {
    const before = new Set((await containersOn(lost)).map(({ id }) => id))
    await lab.faults.kill(lost)
    await isReplaced()
    // A host that boots would refuse what still waits for it: all must have been asked elsewhere.
    await load.stop()
    expect(load.failed).toEqual([])
    load = await cluster.load('web', 30)
    await lab.faults.start(lost)
    await cluster.startWorker('w1')
    await isWhole()
    // What was there before the boot is not there any more.
    const after = await containersOn(lost)
    expect(after.filter(({ id }) => before.has(id))).toEqual([])
  }, 120_000)

  test('by a cut cable: the same, and what ran there meanwhile ends (C-06, C-11)', async () => {
    await lab.faults.cut(lost)
    await isReplaced()
    await lab.faults.heal(lost)
    await isWhole()
  }, 120_000)

  test('that stands still: the same (C-06, C-11)', async () => {
    await lab.faults.freeze(lost)
    await isReplaced()
    await lab.faults.thaw(lost)
    await isWhole()
  }, 120_000)

  test('that only the master cannot hear: no request fails (C-06, C-11)', async () => {
    await silence('--insert')
    await isReplaced()
    expect(await containersOn(lost)).toHaveLength(1)
    await silence('--delete')
    await isWhole()
  }, 120_000)

  /** What the host and the master say to each other is lost on the way; all else arrives. */
  async function silence(verb: '--insert' | '--delete'): Promise<void> {
    const port = String(cluster.masterPort)
    for (const rule of [
      ['OUTPUT', '--protocol', 'tcp', '--dport', port],
      ['INPUT', '--protocol', 'tcp', '--sport', port],
    ]) {
      await output([...lost.prefix, 'iptables', '--wait', verb, ...rule, '--jump', 'DROP'])
    }
  }

  /** Waits until as many serve again, none on the lost host; no request fails from then on. */
  async function isReplaced(): Promise<void> {
    const lostAtMs = Date.now()
    await cluster.nodesAre('lost', 1)
    const toldMs = Date.now() - lostAtMs
    expect(toldMs).toBeGreaterThan(3_000)
    expect(toldMs).toBeLessThan(15_000)
    const replicas = await cluster.serves('web', REPLICAS, 60_000)
    const servedMs = Date.now() - lostAtMs
    expect(nodesOf(replicas)).not.toContain('w1')
    const switchedAtMs = Date.now()
    await until(() => load.since(switchedAtMs).length > 60, SLOW)
    const window = load.since(lostAtMs)
    const slow = window.filter(({ tookMs }) => tookMs > 500).map(({ tookMs }) => tookMs)
    const told = `lost after ${toldMs} ms, ${REPLICAS} serve after ${servedMs} ms`
    const requests = `${window.length} requests: ${load.failed.length} failed`
    console.info(`${told}; ${requests}, these took > 500 ms: ${slow.join(' ')}`)
  }

  /** Back again, and nothing runs twice: what runs is exactly what serves. */
  async function isWhole(): Promise<void> {
    await cluster.nodesAre('ready', 3, 60_000)
    await until(async () => {
      const serving = (await cluster.serves('web', REPLICAS)).map(({ id }) => id)
      const there = (await containersOnAll(lab.hosts)).map(({ replica }) => replica)
      return there.toSorted().join() === serving.toSorted().join()
    }, SLOW)
    const wellAtMs = Date.now()
    await until(() => load.since(wellAtMs).length > 30, SLOW)
    await load.stop()
    expect(load.failed).toEqual([])
    for (const host of lab.hosts) {
      const networks = (await containersOn(host)).length > 0 ? ['front'] : []
      expect(await networksOn(host)).toEqual(networks)
    }
  }
})

function nodesOf(replicas: readonly ReplicaView[]): readonly string[] {
  return replicas.map(({ nodeName = '' }) => nodeName).toSorted()
}
