import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ReplicaView } from '../../shared/api.ts'
import { output } from '../support/command.ts'
import { containersOn } from '../support/host-containers.ts'
import { busyboxTar } from '../support/lab-images.ts'
import { hasLab } from '../support/lab-needs.ts'
import type { Load } from '../support/load.ts'
import { Program } from '../support/program.ts'
import { until } from '../support/until.ts'
import { expectNoDoubles, PATIENCE, Stage } from './stage.ts'

const DISK_MB = 64
const JUNK_BYTES = 70 * 2 ** 20

const SILENT = /^the Docker Engine at unix:\S+ is away since \S+Z: it does not answer within 2 s$/
const GONE =
  /^the Docker Engine at unix:\S+ is away since \S+Z: (nobody listens there|there is no such socket)$/

describe.runIf(hasLab('how engines are borne that fail'))('an engine with --live-restore', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await Stage.open({ hosts: 2, engineFlags: ['--live-restore'] })
  })
  afterEach(() => stage.clear())
  afterAll(() => stage?.close())

  test('that hangs is named, takes nothing new, and what was asked meanwhile is done after', async () => {
    const { cluster, lab } = stage
    const load = await twoUnderLoad(stage)
    await stage.run('gone', { min: 2 })
    await cluster.serves('gone', 2, 60_000)
    const before = await containersOn(stage.host())
    await lab.faults.hangEngine(stage.host())
    await until(async () => SILENT.test(await stage.nodeReason('w1')), PATIENCE)
    expect(await cluster.cli('nodes')).toMatch(/w1 .* busy .* does not answer within 2 s/)
    await cluster.cli('rm', 'gone')
    await stage.run('new', { min: 2 })
    const placed = await cluster.serves('new', 2, 60_000)
    expect(placed.map(({ nodeName }) => nodeName)).toEqual(['w2', 'w2'])
    expect((await stage.replicaOn('w1')).state).toBe('serving')
    await lab.faults.resumeEngine(stage.host())
    await cluster.nodesAre('ready', 2, 60_000)
    await until(async () => (await containersOn(stage.host())).length === 1, PATIENCE)
    await load.stop()
    expect(load.failed).toEqual([])
    expect(load.replicas.size).toBe(2)
    expect(before).toContainEqual((await containersOn(stage.host()))[0])
    await expectNothingRestarted(stage)
  }, 120_000)

  const ends = [
    { how: 'is killed', end: 'killEngine' },
    { how: 'is restarted', end: 'stopEngine' },
  ] as const
  test.each(ends)(
    'that $how leaves its containers alone, and they serve on',
    async ({ end }) => {
      const { lab, cluster } = stage
      const load = await twoUnderLoad(stage)
      const before = await containersOn(stage.host())
      await lab.faults[end](stage.host())
      await until(async () => GONE.test(await stage.nodeReason('w1')), PATIENCE)
      await stage.run('new')
      const [placed] = await cluster.serves('new', 1, 60_000)
      expect(placed?.nodeName).toBe('w2')
      await lab.faults.startEngine(stage.host())
      await cluster.nodesAre('ready', 2, 60_000)
      await cluster.serves('web', 2, 60_000)
      const backAtMs = Date.now()
      await until(() => load.since(backAtMs).length > 40)
      await load.stop()
      expect(load.failed).toEqual([])
      expect(new Set(load.since(backAtMs).map(({ replica }) => replica)).size).toBe(2)
      expect(await containersOn(stage.host())).toEqual(before)
      await expectNothingRestarted(stage)
    },
    120_000,
  )

  test('that is away when its worker starts again is waited for, and its containers adopted', async () => {
    const { lab, cluster } = stage
    const load = await twoUnderLoad(stage)
    const before = await containersOn(stage.host())
    await cluster.workers.get('w1')?.end('SIGKILL')
    await lab.faults.stopEngine(stage.host())
    const worker = await cluster.startWorker('w1')
    await until(async () => GONE.test(await stage.nodeReason('w1')), PATIENCE)
    expect(worker.isRunning).toBe(true)
    await lab.faults.startEngine(stage.host())
    await cluster.nodesAre('ready', 2, 60_000)
    await until(() => worker.output.includes('replica adopted'), PATIENCE)
    await cluster.serves('web', 2, 60_000)
    await load.stop()
    expect(worker.output).not.toMatch(/replica (starts|stops|restarts)/)
    expect(await containersOn(stage.host())).toEqual(before)
    expect(load.failed).toEqual([])
  }, 120_000)

  test('that is away when its worker starts again takes nothing from what only it runs', async () => {
    const { lab, cluster } = stage
    await cluster.cli('cordon', 'w2')
    await stage.run('web')
    await cluster.serves('web', 1, 60_000)
    const load = await cluster.load('web', 20, '/cgi-bin/who')
    await cluster.workers.get('w1')?.end('SIGKILL')
    await lab.faults.stopEngine(stage.host())
    const worker = await cluster.startWorker('w1')
    await until(async () => GONE.test(await stage.nodeReason('w1')), PATIENCE)
    const blindAtMs = Date.now()
    await until(() => load.since(blindAtMs).length > 60)
    expect(await cluster.service('web')).toMatchObject({ serving: 1 })
    expect(load.failed).toEqual([])
    await lab.faults.startEngine(stage.host())
    await until(() => worker.output.includes('replica adopted'), PATIENCE)
    const seenAtMs = Date.now()
    await until(() => load.since(seenAtMs).length > 20)
    await load.stop()
    const whilePortsAreBound = load.failed.filter(({ atMs }) => atMs < seenAtMs)
    expect(load.failed).toEqual(whilePortsAreBound)
    await expectNoDoubles(stage)
  }, 120_000)
})

describe.runIf(hasLab('what engines take with them'))('an engine without --live-restore', () => {
  let stage: Stage

  beforeAll(async () => {
    const disk = { host: 'w1', megabytes: DISK_MB }
    const masterFlags = ['--busy-disk', '90']
    stage = await Stage.open({ hosts: 2, disk }, { masterFlags })
  })
  afterEach(() => stage.clear())
  afterAll(() => stage?.close())

  const ends = [
    { how: 'is killed', end: 'killEngine' },
    { how: 'is stopped', end: 'stopEngine' },
  ] as const
  test.each(ends)(
    'that $how and comes back gets its replicas started again',
    async ({ end }) => {
      const { lab, cluster } = stage
      const load = await twoUnderLoad(stage)
      const victim = await stage.replicaOn('w1')
      const revision = await stage.revision()
      await lab.faults[end](stage.host())
      await until(async () => GONE.test(await stage.nodeReason('w1')), PATIENCE)
      await lab.faults.startEngine(stage.host())
      await cluster.nodesAre('ready', 2, 60_000)
      const again = await until(async () => {
        const now = await stage.replicaOn('w1')
        return now.state === 'serving' && now.handle !== victim.handle ? now : undefined
      }, PATIENCE)
      const backAtMs = Date.now()
      await until(() => load.since(backAtMs).some(({ replica }) => replica === victim.id))
      await load.stop()
      expect(again).toMatchObject({ id: victim.id, url: victim.url })
      const told = await stage.told(revision)
      expect(told.join('\n')).toMatch(/ended as the Docker Engine stopped/)
      expect(load.failed.length).toBeLessThanOrEqual(2)
      await expectNoDoubles(stage)
    },
    120_000,
  )

  test('that is away refuses the first start of a worker in one sentence', async () => {
    const { prefix } = stage.host('w2')
    const nowhere = ['--docker-host', 'unix:///nowhere/docker.sock']
    const flags = ['--worker-name', 'w9', '--data', `${stage.lab.dir}/w9`, '--port', '0']
    const master = ['--master-ip', 'http://127.0.0.1:1']
    const program = new Program('worker', [...flags, ...master, ...nowhere], { prefix })
    expect(await program.ended()).toBe(1)
    const said = program.output.split('\n').filter((line) => line !== '' && !line.startsWith('{'))
    const cannot = 'Cannot reach the Docker Engine at unix:///nowhere/docker.sock'
    expect(said).toEqual([expect.stringMatching(`^${cannot}: there is no such socket; start it`)])
  })

  test('whose disk is full gets nothing, says so, and is used again once there is room', async () => {
    const { lab, cluster } = stage
    await lab.faults.fill(stage.host())
    await until(async () => /^disk at or over 90 %$/.test(await stage.nodeReason('w1')), PATIENCE)
    await stage.run('web', { min: 2 })
    const placed = await cluster.serves('web', 2, 60_000)
    expect(placed.map(({ nodeName }) => nodeName)).toEqual(['w2', 'w2'])
    await cluster.cli('rm', 'web')
    await lab.faults.drain(stage.host())
    await cluster.nodesAre('ready', 2, 60_000)
    await until(async () => (await cluster.replicas()).length === 0, PATIENCE)
    await (await twoUnderLoad(stage)).stop()
    await expectNoDoubles(stage)
  }, 120_000)

  test('that has no space for an image is named, and another host runs the replica', async () => {
    const { cluster } = stage
    const image = await tooLargeImage(stage)
    const revision = await stage.revision()
    await stage.run('web', { image, min: 2 })
    const placed = await cluster.serves('web', 2, 60_000)
    expect(placed.map(({ nodeName }) => nodeName)).toEqual(['w2', 'w2'])
    const said = /failed on w1: Cannot pull \S+: no space left on device/
    expect((await stage.told(revision)).join('\n')).toMatch(said)
    await cluster.nodesAre('ready', 2, 60_000)
    await cluster.cli('rm', 'web')
    await until(async () => (await cluster.replicas()).length === 0, PATIENCE)
    await (await twoUnderLoad(stage)).stop()
  }, 120_000)
})

/** In a registry, and larger than the disk of w1; w2 has it already. */
async function tooLargeImage({ lab }: Stage): Promise<string> {
  const folder = mkdtempSync(join(lab.dir, 'large-'))
  const tar = join(folder, 'image.tar')
  copyFileSync(await busyboxTar(), tar)
  writeFileSync(join(folder, 'junk'), randomBytes(JUNK_BYTES))
  await output(['tar', '--append', '--file', tar, '--directory', folder, 'junk'])
  const w2 = lab.host('w2')
  await w2.docker([
    'import',
    '--change',
    'CMD ["/bin/serve"]',
    '--change',
    'ENV PATH=/bin',
    tar,
    'big:1',
  ])
  return await (await lab.registry()).push(w2, 'big:1', 'big:1')
}

/** One replica on each host, and requests to both. */
async function twoUnderLoad(stage: Stage): Promise<Load> {
  await stage.run('web', { min: 2 })
  const all = await stage.cluster.serves('web', 2, 60_000)
  expect(all.map(({ nodeName }) => nodeName).toSorted()).toEqual(['w1', 'w2'])
  const load = await stage.cluster.load('web', 20, '/cgi-bin/who')
  await until(() => load.replicas.size === 2)
  return load
}

async function expectNothingRestarted({ cluster }: Stage): Promise<void> {
  const restarts = (await cluster.replicas()).map((each: ReplicaView) => each.restarts)
  expect(restarts.every((count) => count === 0)).toBe(true)
}
