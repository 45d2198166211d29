import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { output } from '../support/command.ts'
import { until } from '../support/until.ts'
import { DriverDesk, HOST, IMAGE, NODE } from '../worker/drivers/docker/driver-desk.ts'

let desk: DriverDesk
beforeAll(async () => {
  desk = await DriverDesk.open()
})
afterEach(() => desk.clear())
afterAll(() => desk.close())

test('start() runs the image with what it was given when all is well', async () => {
  const one = desk.driver()
  const assigned = desk.replica('echo hello; exec sleep 1000', {
    environment: { GREETING: 'good-day' },
    labels: { team: 'blue' },
    networks: ['front', 'back'],
    volumes: [{ volume: 'things', path: '/things', readOnly: false }],
  })
  const running = await desk.start(one, assigned)
  const { Config, HostConfig, NetworkSettings, Name, State } = await desk.inspect(running.handle)
  expect(Name).toBe(`/orchestrify-web-${assigned.replica.slice(0, 12)}`)
  expect(Config.Hostname).toBe(assigned.replica.slice(0, 12))
  expect(Config.Env).toEqual(
    expect.arrayContaining([
      'GREETING=good-day',
      'PORT=7000',
      'HOST=0.0.0.0',
      `ORCHESTRIFY_NODE=${NODE}`,
      'ORCHESTRIFY_SERVICE=web',
      `ORCHESTRIFY_REPLICA=${assigned.replica}`,
    ]),
  )
  expect(Config.Labels).toMatchObject({ team: 'blue', 'orchestrify.node': NODE })
  expect(JSON.stringify(Config.Labels)).not.toContain('good-day')
  expect(HostConfig).toMatchObject({
    NanoCpus: 1e9,
    Memory: 512 * 2 ** 20,
    MemorySwap: 512 * 2 ** 20,
    PidsLimit: 1_000,
    Init: true,
    SecurityOpt: ['no-new-privileges:true'],
    CapDrop: ['ALL'],
    RestartPolicy: { Name: 'no' },
    LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    PortBindings: { '7000/tcp': [{ HostIp: HOST, HostPort: String(running.port) }] },
  })
  expect(Object.keys(NetworkSettings.Networks).sort()).toEqual(['back', 'front'])
  expect(running.startedAtMs).toBe(Date.parse(State.StartedAt))
  expect(running).toMatchObject({ epoch: 7, assigned })
  await one.driver.stop(assigned.replica, 0)
  expect(await desk.names()).toEqual([])
  expect(await desk.docker('network', 'ls', '--format', '{{.Name}}')).toBe('bridge\nhost\nnone')
})

test('start() leaves a command that is not given to the image', async () => {
  const one = desk.driver()
  const assigned = desk.replica('', { command: [], port: 7_001, init: false, user: '65534' })
  const { handle } = await desk.start(one, assigned)
  const { Config, HostConfig } = await desk.inspect(handle)
  expect(Config.Cmd).toEqual(['/bin/sh', '-c', 'exec sleep 1000'])
  expect(Config.Env).toContain('PORT=7001')
  expect(Config.User).toBe('65534')
  expect(HostConfig.Init).toBe(false)
  expect(await desk.docker('exec', handle, 'id', '-u')).toBe('65534')
})

test('start() publishes its port on the address of the node and nowhere else', async () => {
  const one = desk.driver()
  const assigned = desk.replica('echo yes > /tmp/index.html; exec httpd -f -p $PORT -h /tmp')
  const { port } = await desk.start(one, assigned)
  const url = `http://${HOST}:${port}/`
  await until(async () => (await desk.lab.fetch(url)).text === 'yes\n')
  expect(await desk.lab.probe(HOST, port)).toBe('open')
  const inside = ['nc', '-w', '1', '127.0.0.1', String(port)]
  await expect(output([...desk.host.prefix, 'busybox', ...inside])).rejects.toThrow()
})

test('start() puts limits in force that the container cannot pass', async () => {
  const one = desk.driver()
  const base = desk.replica('exec sleep 1000')
  const resources = { ...base.resources, cpuLimit: 500, memoryLimitMb: 64, pidsMax: 9 }
  const { handle } = await desk.start(one, { ...base, resources })
  const { NCPU } = JSON.parse(await desk.docker('info', '--format', '{{json .}}'))
  const { HostConfig } = await desk.inspect(handle)
  expect(HostConfig).toMatchObject({ NanoCpus: NCPU * 1e9, Memory: 64 * 2 ** 20, PidsLimit: 9 })
  const forks = 'for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done'
  await expect(desk.docker('exec', handle, 'sh', '-c', forks)).rejects.toThrow(/fork/)
  await expect(desk.docker('exec', handle, 'chroot', '/')).rejects.toThrow()
})

test('start() gives its containers other names for each other on their network', async () => {
  const one = desk.driver()
  const networks = ['front']
  const server = desk.replica('echo yes > /tmp/x; exec httpd -f -p $PORT -h /tmp', {
    ...{ serviceName: 'shop', networks },
  })
  await desk.start(one, server)
  const { handle } = await desk.start(one, desk.replica('exec sleep 1000', { networks }))
  const ask = ['exec', handle, 'wget', '-q', '-O', '-', 'http://shop:7000/x']
  await until(async () => (await desk.docker(...ask)) === 'yes')
})

const wrong = [
  {
    what: 'a program that is not there',
    change: { command: ['/no/such'], init: false },
    says: /has no program "\/no\/such"/,
  },
  {
    what: 'a user that is not there',
    change: { user: 'nobody-here' },
    says: /has no user "nobody-here"/,
  },
  { what: 'an image that is not there', change: { image: '127.0.0.1:9/none:1' }, says: /none:1/ },
  { what: 'no image', change: { image: undefined }, says: /it has none/ },
  {
    what: 'the network of the machine',
    change: { networks: ['host'] },
    says: /network of the machine/,
  },
  {
    what: 'the network of a container',
    change: { networks: ['container:x'] },
    says: /"container:x"/,
  },
  {
    what: 'a path as a volume',
    change: { volumes: [{ volume: '/etc', path: '/x', readOnly: true }] },
    says: /no name of a volume/,
  },
  {
    what: 'a label like ours',
    change: { labels: { 'orchestrify.node': 'x' } },
    says: /"orchestrify.node"/,
  },
  {
    what: 'a limit below any use',
    change: {
      resources: { cpuLimit: 1, memoryLimitMb: 1, cpuReserved: 0, memoryReservedMb: 0, pidsMax: 9 },
    },
    says: /[Mm]emory limit/,
  },
] as const

test.each(wrong)('start() says what is wrong and leaves nothing with $what', async (row) => {
  const one = desk.driver()
  const { image, ...rest } = desk.replica('exec sleep 1000', { networks: ['front'] })
  const change: object = { image, ...row.change }
  const starting = desk.start(one, { ...rest, ...change })
  await expect(starting).rejects.toThrow(row.says)
  await expect(starting).rejects.toThrow(/^Cannot [^\n]+$/)
  await until(async () => (await desk.names()).length === 0)
  await until(async () => !(await desk.docker('network', 'ls')).includes('front'))
})

test('start() says that a port is in use when another container has it', async () => {
  const one = desk.driver()
  const { port } = await desk.start(one, desk.replica('exec sleep 1000'))
  const onProgress = (): void => undefined
  const { signal } = new AbortController()
  const assigned = desk.replica('exec sleep 1000')
  const starting = one.driver.start({ assigned, port, onProgress }, signal)
  await expect(starting).rejects.toMatchObject({
    ...{ status: 409, code: 'PORT_IN_USE' },
    message: `Cannot start "web": port ${port} of ${HOST} is in use`,
  })
  await until(async () => (await desk.names()).length === 1)
})

test('start() leaves a foreign container with its name alone and names it', async () => {
  const one = desk.driver()
  const assigned = desk.replica('exec sleep 1000')
  const name = `orchestrify-web-${assigned.replica.slice(0, 12)}`
  const foreign = await desk.docker('run', '--detach', '--name', name, IMAGE)
  await expect(desk.start(one, assigned)).rejects.toThrow(
    `Cannot start "web": the name ${name} is taken by the foreign container ${foreign.slice(0, 12)}`,
  )
  await one.driver.stop(assigned.replica, 0)
  expect((await desk.inspect(foreign)).State.Running).toBe(true)
})

test('start() takes up a container that was made for the same and never started', async () => {
  const one = desk.driver()
  const assigned = desk.replica('exec sleep 1000')
  const order = { assigned, port: desk.port(), onProgress: () => undefined }
  const { signal } = new AbortController()
  const first = await one.driver.start(order, signal)
  // The same but for its start: as a worker leaves it that dies between the two.
  const { Config, HostConfig } = await desk.inspect(first.handle)
  await one.driver.stop(assigned.replica, 0)
  const made = await desk.create(first.assigned, Config, HostConfig)
  expect((await one.driver.list()).ended).toMatchObject([{ reason: 'was never started' }])
  const again = await one.driver.start(order, signal)
  expect(again.handle).toBe(made)
})

test('start() replaces what an earlier epoch has made', async () => {
  const earlier = desk.driver({ epoch: 6 })
  const assigned = desk.replica('exec sleep 1000')
  const before = await desk.start(earlier, assigned)
  await desk.docker('kill', before.handle)
  const now = await desk.start(desk.driver({ epoch: 7 }), assigned)
  expect(now.handle).not.toBe(before.handle)
  expect(now.epoch).toBe(7)
  expect(await desk.names()).toHaveLength(1)
})

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
