import { afterEach, beforeEach, expect, test } from 'vitest'
import { readProxyConfig } from '../../../proxy/config.ts'
import { type RunningProxy, start } from '../../../proxy/start.ts'
import type { Log } from '../../../shared/log.ts'
import { isAlive } from '../../support/processes.ts'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { closeAll, get, RawClient, upstream } from '../support/rig.ts'
import { type ProxyProgram, Stage } from './support/proxy-program.ts'
import { RoutesMaster } from './support/routes-master.ts'

let stage: Stage
let master: RoutesMaster

beforeEach(async () => {
  stage = new Stage()
  master = new RoutesMaster()
  await master.start()
})

afterEach(async () => {
  await stage.clear()
  await master.stop()
  await closeAll()
})

const FLAGS = ['--measure-every', '100ms']

async function startProxy(): Promise<ProxyProgram> {
  const proxy = await stage.start(['--master-ip', master.url, ...FLAGS])
  await until(() => master.heard.at(-1)?.routes.seq === master.seq)
  return proxy
}

/** Answers when it is told to. */
async function holding() {
  const held: (() => void)[] = []
  const port = await upstream((_request, response) => {
    held.push(() => response.end('held'))
  })
  return { port, held }
}

const arrivals = (): number =>
  master.reports.flatMap(({ services }) => services).reduce((sum, one) => sum + one.arrivals, 0)

test('what is in flight is told without a gap while a proxy hands over, until it has ended', async () => {
  const { port, held } = await holding()
  const replica = `web-${port}`
  master.publish([fragmentOf('web', [port])])
  const proxy = await startProxy()
  const client = new RawClient(proxy.port, get('/s/web'))
  await until(() => master.heard.at(-1)?.inFlight[replica] === 1)
  const [before = 0] = proxy.carriers
  const [from, boot] = [master.heard.length, master.boot]

  await proxy.takeOver()
  await until(() => master.heard.some((sent) => sent.boot !== boot))
  // Its place is taken by another replica, so it is to be stopped once nothing uses it.
  master.publish([fragmentOf('web', [await quick()])])
  const told = (seq: number) => master.heard.findLast(({ routes }) => routes.seq === seq)
  await until(() => told(master.seq) !== undefined)
  expect((await fetch(`${proxy.url}/s/web`)).status).toBe(200)
  await until(() => arrivals() === 2)
  const since = master.heard.slice(from)
  expect(since.map(({ inFlight }) => inFlight[replica])).toEqual(since.map(() => 1))

  held[0]?.()
  expect(await client.all()).toMatch(/Connection: close[\s\S]*held/)
  await until(() => master.heard.at(-1)?.inFlight[replica] === undefined)
  await until(() => !isAlive(before))
  expect(arrivals()).toBe(2)
  // One life after the other, and nobody said goodbye.
  const lives = master.heard.map((sent) => sent.boot)
  expect(lives.lastIndexOf(boot)).toBeLessThan(lives.findIndex((life) => life !== boot))
  expect(new Set(master.joins.map((join) => join.boot)).size).toBe(2)
  expect(new Set(master.joins.map((join) => join.proxy)).size).toBe(1)
  expect(master.left).toEqual([])
  expect(await proxy.program.end('SIGTERM')).toBe(0)
  expect(master.left).toHaveLength(1)
})

test('those that left in earlier take-overs are still told of after the next one', async () => {
  const { port, held } = await holding()
  master.publish([fragmentOf('web', [port])])
  const proxy = await startProxy()
  const clients: RawClient[] = []
  for (let round = 1; round <= 3; round += 1) {
    clients.push(new RawClient(proxy.port, get('/s/web')))
    await until(() => master.heard.at(-1)?.inFlight[`web-${port}`] === round)
    const { boot } = master
    if (round < 3) await proxy.takeOver()
    await until(() => round === 3 || master.boot !== boot)
  }
  expect(proxy.carriers).toHaveLength(3)
  for (const release of held) release()
  await Promise.all(clients.slice(0, 2).map((client) => client.all()))
  await until(() => proxy.carriers.length === 1)
  await until(() => Object.keys(master.heard.at(-1)?.inFlight ?? { some: 1 }).length === 0)
  await until(() => arrivals() === 3)
})

test('requests on connections of the old process are measured, each once', async () => {
  const port = await quick()
  master.publish([fragmentOf('web', [port])])
  const proxy = await startProxy()
  const client = new RawClient(proxy.port, get('/s/web'))
  await client.receives(/quick$/)
  await until(() => arrivals() === 1)
  await proxy.takeOver()
  client.send(get('/s/web'))
  expect(await client.all()).toMatch(/quick[\s\S]*Connection: close[\s\S]*quick$/)
  await until(() => proxy.carriers.length === 1)
  await until(() => arrivals() === 2)
})

test('a carrier that is killed comes back as another life of the same proxy', async () => {
  master.publish([fragmentOf('web', [await quick()])])
  const proxy = await startProxy()
  process.kill(proxy.carriers[0] ?? 0, 'SIGKILL')
  await until(() => new Set(master.joins.map(({ boot }) => boot)).size === 2)
  expect(new Set(master.joins.map((join) => join.proxy)).size).toBe(1)
  expect(master.left).toEqual([])
})

test('a proxy that the master refuses ends with its sentence, also after it served', async () => {
  master.refuses = true
  const proxy = await stage.launch(['--master-ip', master.url, ...FLAGS])
  expect(await proxy.program.ended()).toBe(1)
  expect(proxy.program.output.trim().split('\n').at(-1)).toBe('Cannot let you in: no')
})

test('a proxy whose master is plain HTTP on another machine ends with one sentence', async () => {
  const proxy = await stage.launch(['--master-ip', 'http://192.0.2.1:1', ...FLAGS])
  expect(await proxy.program.ended()).toBe(1)
  expect(proxy.program.output.trim().split('\n')).toHaveLength(1)
})

test('nobody takes over who has no routing table', async () => {
  const proxy = await stage.start(['--master-ip', master.url, ...FLAGS])
  const before = proxy.carriers
  process.kill(proxy.program.pid, 'SIGUSR2')
  await until(() => proxy.said('take-over failed, all is as before') === 1)
  expect(proxy.program.output).toContain('Cannot take over: no routing table has arrived')
  expect(proxy.carriers).toEqual(before)
})

test('processes of one proxy are proxies of their own to the master', async () => {
  master.publish([fragmentOf('web', [await quick()])])
  const proxy = await stage.start(['--master-ip', master.url, ...FLAGS, '--processes', '2'])
  await until(() => new Set(master.joins.map((join) => join.proxy)).size === 2)
  expect(new Set(master.joins.map(({ port }) => port))).toEqual(new Set([proxy.port]))
  expect(new Set(master.joins.map(({ adminPort }) => adminPort)).size).toBe(2)
})

const quiet: Log = {
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
}

async function startHere(): Promise<RunningProxy> {
  const ports = ['--port', '0', '--admin-port', '0', '--data', stage.dir]
  const argv = ['--master-ip', master.url, ...FLAGS, ...ports]
  const config = readProxyConfig({ argv, environment: {} })
  const proxy = await start({ config, log: quiet, setLogLevel: () => undefined })
  await until(() => master.heard.at(-1)?.routes.seq === master.seq)
  return proxy
}

test('handOver() tells another process instead of the master, until carryOn()', async () => {
  const { port, held } = await holding()
  master.publish([fragmentOf('web', [port])])
  const proxy = await startHere()
  const told: string[] = []
  const client = new RawClient(proxy.port, get('/s/web'))
  await until(() => held.length === 1)
  await proxy.handOver(({ routes, inFlight }, measured) => {
    told.push(JSON.stringify({ routes, inFlight, measured: measured.length }))
  })
  expect(told[0]).toContain(`"inFlight":{"web-${port}":1}`)
  const heard = master.heard.length
  await until(() => told.length >= 3)
  expect(master.heard.length).toBe(heard)
  proxy.carryOn()
  const silentFrom = told.length
  await until(() => master.heard.length >= heard + 3)
  expect(told).toHaveLength(silentFrom)
  held[0]?.()
  await client.receives(/held/)
  await proxy.close()
  expect(master.left).toHaveLength(1)
})

test('orphan() ends the reports when another has its name, and says no goodbye', async () => {
  master.publish([fragmentOf('web', [await quick()])])
  const proxy = await startHere()
  proxy.orphan()
  const [mine] = master.joins
  if (mine === undefined) throw new Error('it has not joined')
  master.joins.push({ ...mine, boot: 'another' })
  await proxy.close()
  expect(master.joins).toHaveLength(2)
  expect(master.left).toEqual([])
})

const quick = (): Promise<number> =>
  upstream((_request, response) => {
    response.end('quick')
  })
