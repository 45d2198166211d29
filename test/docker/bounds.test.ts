import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { output } from '../support/command.ts'
import { containersOn } from '../support/host-containers.ts'
import { insidePid } from '../support/lab-group.ts'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'
import { CuttingProxy } from '../worker/drivers/docker/cutting-proxy.ts'
import { expectNoDoubles, inside, leftOn, PATIENCE, Stage } from './stage.ts'

const METRICS_PORT = 18_099
const MANY = 30

describe.runIf(hasLab('what bounds containers and their worker'))('a host with a worker', () => {
  let stage: Stage

  beforeAll(async () => {
    stage = await Stage.open({ hosts: 2 }, { workerFlags: ['--port', String(METRICS_PORT)] })
  })
  afterEach(() => stage.clear())
  afterAll(() => stage?.close())

  test('bears a fork bomb: it is bounded, neighbours serve, and it can be removed', async () => {
    await stage.run('bomb', { pids: 40, cpu: 0.3 })
    const [one] = await stage.cluster.serves('bomb', 1, 60_000)
    const host = stage.host(one?.nodeName)
    await stage.run('web', { min: 2 })
    await stage.cluster.serves('web', 2, 60_000)
    const { handle = '' } = one ?? {}
    const bomb = 'while :; do sleep 1000 & done'
    await host.docker(['exec', '--detach', handle, 'sh', '-c', bomb])
    const stats = ['stats', '--no-stream', '--format', '{{.PIDs}}', handle]
    const pids = async (): Promise<number> => Number(await host.docker(stats))
    await until(async () => (await pids()) >= 35, PATIENCE)
    const load = await stage.cluster.load('web', 20, '/cgi-bin/who')
    await until(() => load.answers.length > 40)
    expect(await pids()).toBeLessThanOrEqual(40)
    await load.stop()
    expect(load.failed).toEqual([])
    expect(load.replicas.size).toBe(2)
    await stage.cluster.cli('rm', 'bomb')
    await until(async () => (await containersOn(host)).length === 1, PATIENCE)
  })

  test('keeps the last of what a container prints without end', async () => {
    await stage.run('web')
    const [one] = await stage.cluster.serves('web', 1, 60_000)
    const host = stage.host(one?.nodeName)
    const folder = join(host.dir, 'data', 'containers', one?.handle ?? '')
    const line = `yes ${'x'.repeat(1_000)} | head -c 45000000 > /proc/1/fd/1; echo the end > /proc/1/fd/1`
    await inside(host, one?.handle ?? '', line)
    await until(async () =>
      (await stage.cluster.cli('logs', 'web', '--tail', '1')).includes('the end'),
    )
    const logs = readdirSync(folder).filter((name) => name.includes('.log'))
    const bytes = logs.map((name) => statSync(join(folder, name)).size)
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(25_000_000)
  })

  test('tells what a busy replica uses, on the command line and in its metrics', async () => {
    await stage.run('web', { cpu: 0.5 })
    const [one] = await stage.cluster.serves('web', 1, 60_000)
    const { handle = '', id = '', nodeName } = one ?? {}
    const host = stage.host(nodeName)
    await host.docker(['exec', '--detach', handle, 'sh', '-c', 'while :; do :; done'])
    const load = await stage.cluster.load('web', 20, '/cgi-bin/who')
    const cpu = /^cpu +(\d+)%$/m
    const said = await until(async () => {
      const told = await stage.cluster.cli('proc', id)
      return Number(cpu.exec(told)?.[1]) >= 20 && told
    }, PATIENCE)
    expect(Number(cpu.exec(said)?.[1])).toBeLessThanOrEqual(75)
    expect(said).toMatch(/^memory +\d+ MB$/m)
    expect(said).toMatch(/^network +\S+ k?B in, \S+ k?B out$/m)
    // A kernel may count bytes only for disks that have limits: how many is shown elsewhere.
    expect(said).toMatch(/^disk +\S+ k?B read, \S+ k?B written$/m)
    await until(() => load.answers.length > 40)
    await load.stop()
    const url = `http://127.0.0.1:${METRICS_PORT}/metrics`
    const metrics = await output([...host.prefix, 'curl', '--silent', '--fail', url])
    const value = (name: string, label = ''): number => {
      const isIt = (line: string): boolean =>
        [`orchestrify_${name}{`, 'service="web"', id, label].every((part) => line.includes(part))
      return Number(metrics.split('\n').find(isIt)?.split(' ').at(-1))
    }
    expect(value('replica_cpu_percent')).toBeGreaterThanOrEqual(20)
    expect(value('replica_memory_bytes')).toBeGreaterThan(50_000)
    expect(value('replica_network_bytes_total', 'direction="in"')).toBeGreaterThan(10_000)
    expect(value('replica_network_bytes_total', 'direction="out"')).toBeGreaterThan(10_000)
    expect(value('replica_disk_bytes_total', 'direction="write"')).toBeGreaterThanOrEqual(0)
  })

  test(`runs ${MANY} replicas, and nothing is left of them`, async () => {
    const worker = insidePid(stage.cluster.workers.get('w1')?.pid ?? 0) ?? 0
    await stage.cluster.cli('cordon', 'w2')
    const idle = usageOf(worker)
    const spec = { min: MANY, max: MANY, memory: '16m', cpu: 0.2, health: { tcp: true } }
    const startedAtMs = Date.now()
    await stage.run('web', spec)
    await stage.cluster.serves('web', MANY, 120_000)
    const tookMs = Date.now() - startedAtMs
    const busy = usageOf(worker)
    expect((await stage.cluster.cli('procs')).match(/ serving /g)).toHaveLength(MANY)
    await expectNoDoubles(stage)
    const restFromMs = Date.now()
    await until(() => Date.now() - restFromMs > 5_000, { everyMs: 500 })
    const rest = usageOf(worker)
    console.info(
      `${MANY} replicas served after ${tookMs} ms; worker: ${idle.memoryMb} MB before, ` +
        `${rest.memoryMb} MB with them, ${busy.cpuMs - idle.cpuMs} ms of CPU to start them, ` +
        `${Math.round((rest.cpuMs - busy.cpuMs) / 50)} % CPU after`,
    )
    expect(rest.memoryMb).toBeLessThan(250)
    await stage.cluster.cli('scale', 'web', '--min', '1', '1')
    await stage.cluster.serves('web', 1, 120_000)
    await until(async () => {
      const all = await Promise.all(stage.lab.hosts.map(containersOn))
      return all.flat().length === 1
    }, PATIENCE)
  }, 240_000)

  test('makes nothing twice when answers of its engine are lost, and undoes what came late', async () => {
    const proxy = await between('w1')
    await stage.cluster.api('/v1/nodes/w2/cordon', 'POST')
    proxy.cut = /^POST \S+\/containers\/(create|\w+\/start)/
    await stage.run('web', { min: 3 })
    await stage.cluster.serves('web', 3, 60_000)
    expect(proxy.cuts).toBeGreaterThanOrEqual(6)
    await expectNoDoubles(stage)
    proxy.cut = undefined
    proxy.hold = /^POST \S+\/containers\/create/
    await stage.run('late')
    await until(() => proxy.held === 1, PATIENCE)
    await stage.cluster.api('/v1/nodes/w2/open', 'POST')
    const [elsewhere] = await stage.cluster.serves('late', 1, 60_000)
    expect(elsewhere?.nodeName).toBe('w2')
    proxy.hold = undefined
    proxy.release()
    await until(() => proxy.carriedOut === 1, PATIENCE)
    await until(async () => (await leftOn(stage.host())).length === 3, PATIENCE)
    await expectNoDoubles(stage)
  }, 120_000)

  /** From now on the worker of this host speaks with its engine through what loses answers. */
  async function between(name: string): Promise<CuttingProxy> {
    const host = stage.host(name)
    const proxy = await CuttingProxy.open(join(host.dir, 'cut.sock'), host.socketPath)
    await stage.cluster.workers.get(name)?.end('SIGKILL')
    await stage.cluster.startWorker(name, [
      ...['--docker-host', `unix://${proxy.socket}`, '--start-deadline', '5s'],
    ])
    onTestFinished(async () => {
      await stage.cluster.workers.get(name)?.end('SIGKILL')
      await proxy.close()
      await stage.cluster.startWorker(name)
    })
    await stage.cluster.nodesAre('ready', 2, 30_000)
    return proxy
  }
})

interface ProcessUsage {
  readonly cpuMs: number
  readonly memoryMb: number
}

const TICK_MS = 10

function usageOf(pid: number): ProcessUsage {
  const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
  const fields = rest.split(' ')
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  const ticks = Number(fields[11]) + Number(fields[12])
  return { cpuMs: ticks * TICK_MS, memoryMb: Math.round(Number(kilobytes) / 1_024) }
}
