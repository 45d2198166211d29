import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readProxyConfig } from '../../proxy/config.ts'
import { type RunningProxy, start } from '../../proxy/start.ts'
import type { Log } from '../../shared/log.ts'
import type { RouteFragment } from '../../shared/model.ts'
import { fragmentOf } from '../support/published.ts'
import { until } from '../support/until.ts'
import { closeAll, upstream } from './support/rig.ts'
import { TinyMaster } from './support/tiny-master.ts'

let dir = ''
let master = new TinyMaster()
const proxies: RunningProxy[] = []
const lines: string[] = []

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-proxy-'))
  master = new TinyMaster()
  lines.length = 0
  await master.start()
})

afterEach(async () => {
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  await master.stop()
  await closeAll()
  rmSync(dir, { recursive: true, force: true })
})

const keep = (message: string): void => {
  lines.push(message)
}
const log: Log = { error: keep, warn: keep, info: keep, debug: () => undefined }

async function startProxy(flags: readonly string[] = []): Promise<RunningProxy> {
  const ports = ['--port', '0', '--admin-port', '0']
  const argv = [
    '--master-ip',
    master.url,
    '--data',
    dir,
    '--measure-every',
    '60s',
    ...ports,
    ...flags,
  ]
  const config = readProxyConfig({ argv, environment: {} })
  const proxy = await start({ config, log, setLogLevel: () => undefined })
  proxy.refused.catch(() => undefined)
  proxies.push(proxy)
  return proxy
}

function snapshot(epoch: number, seq: number, fragments: readonly RouteFragment[]) {
  return { revision: { epoch, seq }, snapshot: true, fragments, removed: [] }
}

function delta(epoch: number, seq: number, fragments: readonly RouteFragment[]) {
  return { revision: { epoch, seq }, snapshot: false, fragments, removed: [] }
}

async function ask(proxy: RunningProxy, path = '/s/web'): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${proxy.port}${path}`)
  return answer.ok ? answer.text() : String(answer.status)
}

async function admin(proxy: RunningProxy, path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`http://127.0.0.1:${proxy.adminPort}${path}`)
  return (await answer.json()) as Record<string, unknown>
}

const saying = (text: string) => upstream((_request, response) => response.end(text))

test('a proxy joins, serves the snapshot, and follows deltas from where it is', async () => {
  const proxy = await startProxy()
  expect(await ask(proxy)).toBe('503')
  master.publish(snapshot(1, 1, [fragmentOf('web', [await saying('one')])]))
  await until(async () => (await ask(proxy)) === 'one')
  master.publish(delta(1, 2, [fragmentOf('web', [await saying('two')])]))
  await until(async () => (await ask(proxy)) === 'two')
  master.publish({ ...delta(1, 3, []), removed: ['id-web'] })
  await until(async () => (await ask(proxy)) === '404')
  await until(() => master.asked.length === 4)
  expect(master.asked).toEqual(['', '1.1', '1.2', '1.3'])
  expect(master.joins).toHaveLength(1)
  expect(master.joins[0]).toMatchObject({ port: proxy.port, adminPort: proxy.adminPort })
})

test('a proxy asks for the whole table when a delta does not follow on its own', async () => {
  const proxy = await startProxy()
  master.publish(snapshot(1, 1, [fragmentOf('web', [await saying('one')])]))
  await until(async () => (await ask(proxy)) === 'one')
  master.publish(delta(2, 7, []))
  await until(() => master.asked.length === 3)
  expect(master.asked).toEqual(['', '1.1', ''])
  expect(await ask(proxy)).toBe('one')
})

test('a proxy refuses the table of a leader of the past', async () => {
  const proxy = await startProxy()
  master.publish(snapshot(5, 1, [fragmentOf('web', [await saying('new')])]))
  await until(async () => (await ask(proxy)) === 'new')
  master.publish(snapshot(4, 9, []))
  await until(() => lines.includes('routing table refused'))
  expect(await ask(proxy)).toBe('new')
})

test('a restarted proxy is the same, and serves its last table while no master answers', async () => {
  const first = await startProxy()
  master.publish(snapshot(1, 4, [fragmentOf('web', [await saying('kept')])]))
  await until(async () => (await ask(first)) === 'kept')
  await until(() => existsSync(join(dir, 'routes.json')))
  await first.close()
  await master.stop()
  const second = await startProxy()
  expect(await ask(second)).toBe('kept')
  expect(await admin(second, '/routes')).toMatchObject({
    revision: { epoch: 1, seq: 4 },
    stale: true,
  })
  expect(await admin(second, '/healthz')).toEqual({
    status: 'ok',
    routes: 'stale',
    master: 'unreachable',
  })
  await master.start()
  master.publish(snapshot(1, 4, [fragmentOf('web', [await saying('kept')])]))
  await until(async () => (await admin(second, '/routes')).stale === false)
  expect(new Set(master.joins.map(({ proxy }) => proxy)).size).toBe(1)
  expect(new Set(master.joins.map(({ boot }) => boot)).size).toBe(2)
})

test('a damaged table on disk is said and left aside', async () => {
  writeFileSync(join(dir, 'routes.json'), '{"half":')
  const proxy = await startProxy()
  expect(lines).toContain('kept routing table is unreadable')
  expect(await ask(proxy)).toBe('503')
})

test('a proxy goes on when its master goes away, and says so once', async () => {
  const proxy = await startProxy(['--measure-every', '20ms'])
  master.publish(snapshot(1, 1, [fragmentOf('web', [await saying('on')])]))
  await until(async () => (await ask(proxy)) === 'on')
  await master.stop()
  await until(async () => (await admin(proxy, '/healthz')).master === 'unreachable')
  for (let round = 0; round < 20; round += 1) expect(await ask(proxy)).toBe('on')
  expect(lines.filter((line) => line.startsWith('master does not')).length).toBeLessThanOrEqual(2)
  await master.start()
  await until(async () => (await admin(proxy, '/healthz')).master === 'ok')
})

test('a proxy acknowledges a removal at once, and again when the last request is done', async () => {
  const waiting: (() => void)[] = []
  const slow = await upstream((_request, response) => {
    waiting.push(() => response.end('done'))
  })
  const proxy = await startProxy()
  master.publish(snapshot(1, 1, [fragmentOf('web', [slow])]))
  await until(async () => (await admin(proxy, '/routes')).revision)
  const old = ask(proxy)
  await until(() => waiting.length === 1)
  master.publish(delta(1, 2, [fragmentOf('web', [await saying('new')])]))
  await until(() => master.measurements.some(({ routes }) => routes.seq === 2))
  expect(master.measurements.at(-1)?.inFlight).toEqual({ [`web-${slow}`]: 1 })
  waiting[0]?.()
  expect(await old).toBe('done')
  await until(() => Object.keys(master.measurements.at(-1)?.inFlight ?? { x: 1 }).length === 0)
  expect(master.measurements.at(-1)?.routes).toEqual({ epoch: 1, seq: 2 })
})

test('a proxy tells every request once, also when answers to its reports are lost', async () => {
  const proxy = await startProxy(['--measure-every', '20ms'])
  master.publish(snapshot(1, 1, [fragmentOf('web', [await saying('x')])]))
  await until(async () => (await admin(proxy, '/routes')).revision)
  master.losesAnswers = true
  for (let round = 0; round < 5; round += 1) await ask(proxy)
  const from = master.measurements.length
  await until(() => master.measurements.length > from + 2)
  for (let round = 0; round < 5; round += 1) await ask(proxy)
  master.losesAnswers = false
  const counted = (): number => {
    const bySeq = new Map(master.measurements.map((one) => [one.seq, one.services]))
    return [...bySeq.values()].flat().reduce((sum, { arrivals }) => sum + arrivals, 0)
  }
  await until(() => counted() >= 10)
  expect(counted()).toBe(10)
  const texts = new Map<number, string>()
  for (const { seq, services } of master.measurements) {
    const text = JSON.stringify(services)
    expect(texts.get(seq) ?? text).toBe(text)
    texts.set(seq, text)
  }
})

test('a proxy registers again when the master does not know it any more', async () => {
  await startProxy(['--measure-every', '20ms'])
  await until(() => master.measurements.length > 0)
  master.wantJoin = true
  await until(() => master.joins.length === 2)
  expect(master.joins[1]).toEqual(master.joins[0])
})

test('a proxy keeps the permits it was given last', async () => {
  const proxy = await startProxy(['--measure-every', '20ms'])
  master.permits = { r1: 7 }
  await until(async () => JSON.stringify((await admin(proxy, '/routes')).permits) === '{"r1":7}')
  await master.stop()
  await until(async () => (await admin(proxy, '/healthz')).master === 'unreachable')
  expect((await admin(proxy, '/routes')).permits).toEqual({ r1: 7 })
})

test('a proxy says goodbye when it stops', async () => {
  const proxy = await startProxy()
  await until(() => master.measurements.length > 0)
  await proxy.close()
  expect(master.left).toEqual([master.joins[0]?.proxy])
})

test.each([401, 403, 422, 426])(
  'a proxy that is refused with %s ends with the reason',
  async (status) => {
    master.refusesWith = status
    const proxy = await startProxy()
    await expect(proxy.refused).rejects.toThrow('Cannot let you in: no')
  },
)

test('a proxy with a table goes on serving even when it is refused', async () => {
  const first = await startProxy()
  master.publish(snapshot(1, 4, [fragmentOf('web', [await saying('kept')])]))
  await until(() => existsSync(join(dir, 'routes.json')))
  await first.close()
  master.refusesWith = 403
  const second = await startProxy()
  await until(() => lines.some((line) => line.startsWith('master does not')))
  expect(await ask(second)).toBe('kept')
})

test('start() keeps who it is in a private file', async () => {
  await startProxy()
  await until(() => master.joins.length === 1)
  const { id } = JSON.parse(readFileSync(join(dir, 'credential.json'), 'utf8')) as { id: string }
  expect(id).toBe(master.joins[0]?.proxy)
})

test('start() refuses a master beyond this machine without TLS, naming what to do', async () => {
  const flags = ['--master-ip', 'http://192.0.2.1:18080']
  const argv = ['--port', '0', '--admin-port', '0', '--data', dir, ...flags]
  const config = readProxyConfig({ argv, environment: {} })
  const started = start({ config, log, setLogLevel: () => undefined })
  await expect(started).rejects.toThrow(/orchestrify token/)
})
