import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'
import { DriverDesk, IMAGE, NODE } from '../worker/drivers/docker/driver-desk.ts'

describe.runIf(hasLab('how containers end and are found again'))('a docker driver', () => {
  let desk: DriverDesk
  beforeAll(async () => {
    desk = await DriverDesk.open()
  })
  afterEach(() => desk.clear())
  afterAll(() => desk.close())

  const ends = [
    {
      how: 'exits with a code',
      script: 'echo all is lost; exit 3',
      reason: 'exited with code 3: all is lost',
    },
    { how: 'exits well', script: 'echo bye', reason: 'exited with code 0' },
    {
      how: 'eats all memory',
      script: 'exec head -c 200000000 /dev/zero | tail',
      reason: 'ran out of memory (limit 16 MB)',
    },
    { how: 'is killed', script: 'kill -9 $$', reason: 'killed by SIGKILL' },
  ] as const

  test.each(ends)('watch() tells why a replica ended that $how', async ({ script, reason }) => {
    const one = desk.driver()
    await until(() => one.news.some(({ kind }) => kind === 'missed'))
    const base = desk.replica(script, { init: true })
    const resources = { ...base.resources, memoryLimitMb: 16 }
    const { handle, replica } = await desk.start(one, { ...base, resources })
    await until(() => one.news.some(({ kind }) => kind === 'exit'))
    const exits = one.news.filter(({ kind }) => kind === 'exit')
    expect(exits).toEqual([{ kind: 'exit', replica, handle, reason }])
    const { running, ended } = await one.driver.list()
    expect(running).toEqual([])
    expect(ended).toMatchObject([{ replica, handle, reason }])
  })

  test('watch() tells of an end that nobody here has brought about', async () => {
    const one = desk.driver()
    await until(() => one.news.some(({ kind }) => kind === 'missed'))
    const { handle, replica } = await desk.start(one, desk.replica('exec sleep 1000'))
    await desk.docker('rm', '--force', handle)
    await until(() => one.news.some(({ kind }) => kind === 'exit'))
    expect(one.news.find(({ kind }) => kind === 'exit')).toMatchObject({ replica, handle })
    expect(one.driver.opinion(replica)).toEqual({ kind: 'none' })
  })

  test('opinion() is ill while a replica is paused and tells it at once', async () => {
    const one = desk.driver()
    const { handle, replica } = await desk.start(one, desk.replica('exec sleep 1000'))
    await desk.docker('pause', handle)
    await until(() => one.news.some(({ kind }) => kind === 'opinion'))
    expect(one.driver.opinion(replica)).toEqual({ kind: 'ill', reason: 'it is paused' })
    expect((await one.driver.list()).running).toMatchObject([{ replica, handle }])
    await desk.docker('unpause', handle)
    await until(() => one.driver.opinion(replica).kind === 'none')
    await desk.docker('pause', handle)
    await one.driver.stop(replica, 1_000)
    expect(await desk.names()).toEqual([])
  })

  test("opinion() is what the image's own check says", async () => {
    const check =
      'HEALTHCHECK --interval=1s --retries=1 CMD test -e /tmp/well || { echo not yet; exit 1; }'
    await desk.derive('checked:1', check)
    const one = desk.driver()
    const { health } = desk.replica('')
    const assigned = desk.replica('exec sleep 1000', {
      ...{ image: 'checked:1', health: { ...health, probe: { kind: 'image' } } },
    })
    const { handle, replica } = await desk.start(one, assigned)
    expect(one.driver.opinion(replica).kind).toBe('starting')
    await until(() => one.driver.opinion(replica).kind === 'ill')
    const reason = 'the check of its image fails: not yet'
    expect(one.driver.opinion(replica)).toEqual({ kind: 'ill', reason })
    await desk.docker('exec', handle, 'sh', '-c', 'echo > /tmp/well')
    await until(() => one.driver.opinion(replica).kind === 'well')
    const unasked = await desk.start(one, desk.replica('exec sleep 1000', { image: 'checked:1' }))
    expect((await desk.inspect(unasked.handle)).Config.Healthcheck.Test).toEqual(['NONE'])
  })

  test('stop() forces a replica that ignores being asked', async () => {
    const one = desk.driver()
    const assigned = desk.replica("trap '' TERM; while :; do sleep 1; done", { init: false })
    const { replica } = await desk.start(one, assigned)
    await one.driver.stop(replica, 300)
    expect(await desk.names()).toEqual([])
    expect(one.news.filter(({ kind }) => kind === 'exit').length).toBeLessThanOrEqual(1)
  })

  test('stop() lets a replica end by itself within its grace', async () => {
    const one = desk.driver()
    const script = "trap 'echo over > /kept/said; exit 0' TERM; while :; do sleep 0.1; done"
    const volumes = [{ volume: 'kept', path: '/kept', readOnly: false }]
    const { replica } = await desk.start(one, desk.replica(script, { volumes }))
    await one.driver.stop(replica, 10_000)
    const said = ['run', '--rm', '--volume', 'kept:/kept', IMAGE, 'cat', '/kept/said']
    expect(await desk.docker(...said)).toBe('over')
  })

  test('stop() does nothing for what is gone, and nothing to what is foreign', async () => {
    const one = desk.driver()
    const foreign = await desk.docker(
      ...['run', '--detach', '--label', 'orchestrify.node=other'],
      ...['--label', 'orchestrify.replica=r-foreign', IMAGE],
    )
    await one.driver.stop('r-foreign', 0)
    await one.driver.stop('never-seen', 0)
    expect((await desk.inspect(foreign)).State.Running).toBe(true)
  })

  test('stop() waits for a removal that somebody else has begun', async () => {
    const one = desk.driver()
    const { handle, replica } = await desk.start(one, desk.replica('exec sleep 1000'))
    const removing = desk.docker('rm', '--force', handle)
    await Promise.all([one.driver.stop(replica, 1_000), one.driver.stop(replica, 1_000), removing])
    expect(await desk.names()).toEqual([])
  })

  test('list() hands what runs to another driver and touches nothing', async () => {
    const one = desk.driver()
    const environment = { COLOUR: 'red', SECRET: 'a=b\nc' }
    const alive = await desk.start(one, desk.replica('exec sleep 1000', { environment }))
    const dead = await desk.start(one, desk.replica('echo oh; exit 2'))
    await until(async () => !(await desk.inspect(dead.handle)).State.Running)
    await desk.docker('run', '--detach', '--label', 'orchestrify.node=other', IMAGE)
    const before = await desk.inspect(alive.handle)
    await one.close()
    const two = desk.driver({ epoch: 9 })
    const found = await two.driver.list()
    expect(found.running).toEqual([alive])
    expect(found.ended).toEqual([
      {
        ...{ replica: dead.replica, handle: dead.handle, assigned: dead.assigned },
        reason: 'exited with code 2: oh',
      },
    ])
    expect((await desk.inspect(alive.handle)).State).toEqual(before.State)
    await until(async () => (await two.driver.stats(alive.replica)) !== undefined)
  })

  test('list() removes what is damaged unless it runs, and tells of both', async () => {
    const one = desk.driver()
    const labels = ['--label', `orchestrify.node=${NODE}`, '--label', 'orchestrify.port=x']
    const living = await desk.docker('run', '--detach', ...labels, IMAGE)
    const dead = await desk.docker('create', ...labels, IMAGE)
    expect(await one.driver.list()).toEqual({ running: [], ended: [] })
    expect(one.log.count('damaged container')).toBe(2)
    expect((await desk.inspect(living)).State.Running).toBe(true)
    await expect(desk.inspect(dead)).rejects.toThrow()
  })

  test('list() finds thirty containers quickly', async () => {
    const one = desk.driver()
    const replicas = Array.from({ length: 30 }, () => desk.replica('exec sleep 1000'))
    for (let at = 0; at < replicas.length; at += 6) {
      await Promise.all(replicas.slice(at, at + 6).map((each) => desk.start(one, each)))
    }
    const { running } = await desk.driver().driver.list()
    expect(running.map(({ replica }) => replica).sort()).toEqual(
      replicas.map(({ replica }) => replica).sort(),
    )
  }, 60_000)

  test('capacity() is what the engine has, and its folder is known then', async () => {
    const { driver } = desk.driver()
    const { NCPU, MemTotal, DockerRootDir } = JSON.parse(
      await desk.docker('info', '--format', '{{json .}}'),
    )
    expect(await driver.capacity()).toEqual({
      ...{ cpus: NCPU, memoryMb: Math.floor(MemTotal / 2 ** 20) },
    })
    expect(driver.storage).toBe(DockerRootDir)
  })

  test('capacity() says where nobody answers', async () => {
    const { driver } = desk.driver({ socket: '/tmp/nowhere/docker.sock' })
    await expect(driver.capacity()).rejects.toThrow(
      'Cannot reach the Docker Engine at unix:///tmp/nowhere/docker.sock: there is no such socket',
    )
    expect(driver.trouble).toMatch(/^the Docker Engine at .* is away since [\dT:-]+Z: there is no/)
  })
})
