import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { output } from '../support/command.ts'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'
import { DriverDesk, HOST, IMAGE, NODE } from '../worker/drivers/docker/driver-desk.ts'

describe.runIf(hasLab('how containers are started'))('a docker driver that starts', () => {
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
        resources: {
          cpuLimit: 1,
          memoryLimitMb: 1,
          cpuReserved: 0,
          memoryReservedMb: 0,
          pidsMax: 9,
        },
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
})
