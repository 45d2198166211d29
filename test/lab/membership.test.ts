import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ReplicaView } from '../../shared/api.ts'
import { Cluster } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { containersOn, containersOnAll, networksOn } from '../support/host-containers.ts'
import { Lab } from '../support/lab.ts'
import type { LabHost } from '../support/lab-host.ts'
import { hasLab } from '../support/lab-needs.ts'
import type { Program } from '../support/program.ts'
import { tidy } from '../support/tidy.ts'
import { until } from '../support/until.ts'

const SLOW = { timeoutMs: 60_000 }
const WEB = { image: 'web:1', health: { http: '/health' }, autoscale: false, network: 'front' }

describe.runIf(hasLab('how hosts come, go and come back'))('a host', () => {
  let lab: Lab
  let cluster: Cluster
  let host: LabHost

  beforeAll(async () => {
    lab = await Lab.start({ hosts: 2 })
    // Long enough for a worker that must try to come back more than once.
    const masterFlags = ['--lost-after', '20s']
    cluster = await Cluster.start({ workers: 2, masterFlags, ground: onHosts(lab) })
    host = lab.host('w1')
    await Promise.all(lab.hosts.map((each) => lab.importImage(each, 'web:1', 'node')))
  })

  afterAll(() => cluster?.stop())

  beforeEach(() => cluster.nodesAre('ready', 2, 60_000), 120_000)

  afterEach(async () => {
    await tidy(cluster, lab.hosts)
    for (const each of lab.hosts) expect(await networksOn(each)).toEqual([])
  }, 120_000)

  const departures = [
    { how: 'whose worker ends in good order (O-07)', leave: () => end('w1') },
    { how: 'that is deleted (O-06)', leave: () => cluster.cli('--node-del', 'w1') },
  ]

  test.each(departures)(
    '$how is emptied first, and no request fails',
    async ({ leave }) => {
      const node = await nodeOf('w1')
      await underLoad(async () => {
        await leave()
        expect(await cluster.workers.get('w1')?.ended()).toBe(0)
        await until(async () => (await cluster.nodes()).length === 1, SLOW)
        expect(nodesOf(await cluster.serves('web', 2, 60_000))).toEqual(['w2', 'w2'])
        expect([await containersOn(host), await networksOn(host)]).toEqual([[], []])
      })
      await cluster.startWorker('w1')
      await cluster.nodesAre('ready', 2, 60_000)
      expect((await nodeOf('w1')).id).not.toBe(node.id)
    },
    120_000,
  )

  test('that is released is a spare that runs nothing, until it is asked again', async () => {
    await underLoad(async () => {
      await cluster.cli('release', 'w1')
      await until(async () => (await nodeOf('w1')).pool === 'standby', SLOW)
      expect(nodesOf(await cluster.serves('web', 2, 60_000))).toEqual(['w2', 'w2'])
      await until(async () => (await containersOn(host)).length === 0, SLOW)
    })
    expect(cluster.workers.get('w1')?.isRunning).toBe(true)
    await cluster.cli('open', 'w1')
    await until(async () => (await nodeOf('w1')).pool === 'platform', SLOW)
  }, 120_000)

  test('whose worker lost its data comes back under its name and adopts its containers', async () => {
    const node = await nodeOf('w1')
    await underLoad(async () => {
      const before = await containersOn(host)
      expect(before).toHaveLength(1)
      await cluster.workers.get('w1')?.end('SIGKILL')
      await rm(join(host.dir, 'worker'), { recursive: true })
      const worker = await startedAgain('w1')
      await until(() => worker.output.includes('replica adopted'), SLOW)
      await cluster.serves('web', 2, 60_000)
      expect(await containersOn(host)).toEqual(before)
    })
    expect((await nodeOf('w1')).id).toBe(node.id)
  }, 120_000)

  test('on a slow and lossy link flaps not: a deployment works, nothing runs twice', async () => {
    await lab.faults.delay(host, 100, { lossPercent: 5 })
    try {
      const after = (await cluster.events()).at(-1)?.revision ?? 0
      await cluster.api('/v1/services', 'POST', { name: 'web', ...WEB, min: 4 })
      const replicas = await cluster.serves('web', 4, 60_000)
      expect(nodesOf(replicas)).toEqual(['w1', 'w1', 'w2', 'w2'])
      const load = await cluster.load('web', 20)
      await until(() => load.answers.length > 200, SLOW)
      await load.stop()
      const changes = (await cluster.events(after)).map(({ change }) => change)
      const flaps = changes.filter(({ kind }) => kind === 'node-condition')
      console.info(`on the slow link: ${load.failed.length} of ${load.answers.length} failed`)
      expect(flaps).toEqual([])
      expect(changes.filter(({ kind }) => kind === 'replica-added')).toHaveLength(4)
      expect(changes.filter(({ kind }) => kind === 'replica-removed')).toEqual([])
      expect(await containersOnAll(lab.hosts)).toHaveLength(4)
      expect(load.failed).toEqual([])
    } finally {
      await lab.faults.undelay(host)
    }
  }, 120_000)

  test('takes a second replica of a service that answers over 100 ms, and none of a fast one (O-16)', async () => {
    const fast = { image: 'web:1', health: { http: '/health' }, network: 'front' }
    await cluster.api('/v1/services', 'POST', { name: 'fast', ...fast })
    await cluster.api('/v1/services', 'POST', { name: 'slow', ...fast, max: 2, ...answersIn(150) })
    const [only] = await cluster.serves('slow', 1, 60_000)
    await cluster.serves('fast', 1, 60_000)
    const loads = await Promise.all(['slow', 'fast'].map((name) => cluster.load(name, 20)))
    const two = await cluster.serves('slow', 2, 60_000)
    expect(nodesOf(two)).toEqual(['w1', 'w2'])
    expect(two.map(({ id }) => id)).toContain(only?.id)
    const decided = await until(async () => {
      const { decision } = await cluster.why('slow')
      return decision?.rule === 'at-maximum' || decision?.rule === 'futile' ? decision : undefined
    }, SLOW)
    expect(decided.replicas).toBe(2)
    await Promise.all(loads.map((load) => load.stop()))
    expect(loads.flatMap(({ failed }) => failed)).toEqual([])
    expect(await cluster.replicas('fast')).toHaveLength(1)
    expect(await containersOnAll(lab.hosts)).toHaveLength(3)
  }, 120_000)

  /** Two replicas, one on each host: whatever happens, no request fails. */
  async function underLoad(act: () => Promise<void>): Promise<void> {
    await cluster.api('/v1/services', 'POST', { name: 'web', ...WEB, min: 2 })
    expect(nodesOf(await cluster.serves('web', 2, 60_000))).toEqual(['w1', 'w2'])
    const load = await cluster.load('web', 30)
    try {
      await until(() => load.replicas.size === 2)
      await act()
    } finally {
      await load.stop()
    }
    expect(load.failed).toEqual([])
  }

  /** As a supervisor would: while its old self may still be connected, a stranger is refused. */
  async function startedAgain(name: string): Promise<Program> {
    return until(async () => {
      const worker = await cluster.startWorker(name)
      await until(() => !worker.isRunning || worker.output.includes('joined the cluster'), SLOW)
      if (worker.isRunning) return worker
      expect(worker.output).toContain('a worker of that name is connected')
      return undefined
    }, SLOW)
  }

  async function end(name: string): Promise<void> {
    await cluster.workers.get(name)?.end('SIGTERM')
  }

  async function nodeOf(name: string) {
    const node = (await cluster.nodes()).find((one) => one.name === name)
    if (node === undefined) throw new Error(`there is no node ${name}`)
    return node
  }
})

function answersIn(ms: number) {
  const command = ['sh', '-c', `echo ${ms} >/tmp/delay; exec node /app/service.mjs`]
  return { command, environment: { DELAY_FILE: '/tmp/delay' } }
}

function nodesOf(replicas: readonly ReplicaView[]): readonly string[] {
  return replicas.map(({ nodeName = '' }) => nodeName).toSorted()
}
