import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isAlive } from '../../support/processes.ts'
import { freePort, run } from '../../support/program.ts'
import { until } from '../../support/until.ts'
import { closeAll, get, RawClient, upstream } from '../support/rig.ts'
import { type ProxyProgram, Stage } from './support/proxy-program.ts'

let stage: Stage

beforeEach(() => {
  stage = new Stage()
})

afterEach(async () => {
  await stage.clear()
  await closeAll()
})

async function startWeb(flags: readonly string[] = []): Promise<ProxyProgram> {
  const port = await upstream((_request, response) => response.end('web'))
  return stage.start(['--routes', stage.routes({ web: [port] }), ...flags])
}

test('a carrier that is killed is started again, and nobody is refused meanwhile', async () => {
  const proxy = await startWeb()
  for (let round = 1; round <= 2; round += 1) {
    const [pid = 0] = proxy.carriers
    process.kill(pid, 'SIGKILL')
    await until(() => !isAlive(pid))
    // It waits in the socket until there is somebody to accept it; a connection kept from before
    // would have died with the one that was killed.
    const fresh = { headers: { connection: 'close' } }
    expect(await (await fetch(`${proxy.url}/s/web`, fresh)).text()).toBe('web')
    await until(() => proxy.said('carrier ended') === round)
  }
  expect(proxy.program.output).toContain('it was ended by SIGKILL')
  expect(proxy.program.isRunning).toBe(true)
})

test('a carrier ignores what is meant for its parent', async () => {
  const proxy = await startWeb()
  const [pid = 0] = proxy.carriers
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGUSR2'] as const) process.kill(pid, signal)
  expect(await (await fetch(`${proxy.url}/s/web`)).text()).toBe('web')
  expect(proxy.carriers).toEqual([pid])
})

test('a carrier whose parent is killed finishes what is under way, and frees the ports', async () => {
  let release: () => void = () => undefined
  const port = await upstream((_request, response) => {
    release = () => response.end('whole')
  })
  const proxy = await stage.start(['--routes', stage.routes({ web: [port] })])
  const [pid = 0] = proxy.carriers
  const client = new RawClient(proxy.port, get('/s/web'))
  await until(async () => /"web@[^"]*":1/.test(await inFlight(proxy)))
  await proxy.program.end('SIGKILL')
  await until(() => proxy.said('parent process is gone, finishing what is under way') === 1)
  const next = await stage.launch(['--routes', stage.routes({ web: [] })], proxy)
  await next.serves()
  expect(isAlive(pid)).toBe(true)
  release()
  expect(await client.all()).toMatch(/Connection: close[\s\S]*whole/)
  await until(() => !isAlive(pid))
})

test('a proxy that is asked to end twice does not wait', async () => {
  let asked = 0
  const port = await upstream(() => {
    asked += 1
  })
  const proxy = await stage.start(['--routes', stage.routes({ web: [port] })])
  const [pid = 0] = proxy.carriers
  const client = new RawClient(proxy.port, get('/s/web'))
  await until(() => asked === 1)
  process.kill(proxy.program.pid, 'SIGTERM')
  await until(() => proxy.said('proxy stopping') === 1)
  expect(client.closed).toBe(false)
  expect(await proxy.program.end('SIGINT')).toBe(1)
  expect(isAlive(pid)).toBe(false)
  await until(() => client.closed)
})

test('a proxy that is asked to end lets those that still leave finish, too', async () => {
  let release: () => void = () => undefined
  let asked = 0
  const port = await upstream((_request, response) => {
    asked += 1
    release = () => response.end('whole')
  })
  const proxy = await stage.start(['--routes', stage.routes({ web: [port] })])
  const client = new RawClient(proxy.port, get('/s/web'))
  await until(() => asked === 1)
  await proxy.takeOver()
  const ended = proxy.program.end('SIGTERM')
  await until(() => proxy.said('proxy stopping') === 1)
  release()
  expect(await client.all()).toMatch(/whole/)
  expect(await ended).toBe(0)
})

test('a take-over by a program that cannot start changes nothing', async () => {
  const proxy = await startWeb()
  const before = proxy.carriers
  writeFileSync(join(stage.dir, 'routes.json'), 'services: [')
  process.kill(proxy.program.pid, 'SIGUSR2')
  await until(() => proxy.said('take-over failed, all is as before') === 1)
  expect(proxy.program.output).toContain('Cannot use the routes in')
  expect(await (await fetch(`${proxy.url}/s/web`)).text()).toBe('web')
  expect(proxy.carriers).toEqual(before)
})

test.each(['--port', '--admin-port', '--tls-port'])(
  'a proxy whose %s is in use says so in one sentence',
  async (flag) => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const taken = typeof address === 'object' && address !== null ? address.port : 0
    const free = [String(await freePort()), String(await freePort())]
    const flags = ['--port', free[0] ?? '', '--admin-port', free[1] ?? '', flag, String(taken)]
    const routes = ['--data', stage.dir, '--routes', stage.routes({})]
    const { code, output } = await run('proxy', [...routes, ...flags])
    await new Promise((resolve) => server.close(resolve))
    expect(output.trim()).toBe(`Cannot listen on 127.0.0.1:${taken}: the port is in use`)
    expect(code).toBe(1)
  },
)

test('a proxy on an address that is not of this machine says so in one sentence', async () => {
  const flags = ['--data', stage.dir, '--routes', stage.routes({}), '--port', '0']
  const { code, output } = await run('proxy', [...flags, '--host', '192.0.2.1'])
  expect(output.trim()).toBe('Cannot listen on 192.0.2.1:0: EADDRNOTAVAIL')
  expect(code).toBe(1)
})

test('processes of one proxy share its port, and have data and an admin port of their own', async () => {
  const proxy = await startWeb(['--processes', '3'])
  await proxy.serves(3)
  expect(proxy.carriers).toHaveLength(3)
  const admins = [...proxy.program.output.matchAll(/"admin":(\d+)/g)].map(([, port]) =>
    Number(port),
  )
  expect(new Set(admins).size).toBe(3)
  expect(admins).toContain(proxy.adminPort)
  for (const port of admins) {
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  }
  const addresses = [...proxy.program.output.matchAll(/"address":"([^"]+)"/g)].map(([, at]) => at)
  expect(new Set(addresses)).toEqual(new Set([`127.0.0.1:${proxy.port}`]))
  expect(await proxy.program.end('SIGTERM')).toBe(0)
})

test('a proxy on a Node that holds no sockets for others serves without take-overs', async () => {
  const file = join(stage.dir, 'without.mjs')
  const words = [
    "import net from 'node:net'",
    "import { syncBuiltinESMExports } from 'node:module'",
    'net._createServerHandle = undefined',
    'syncBuiltinESMExports()',
  ]
  writeFileSync(file, words.join('\n'))
  const port = await upstream((_request, response) => response.end('web'))
  const env = { NODE_OPTIONS: `--import=file://${file}` }
  const proxy = await stage.start(['--routes', stage.routes({ web: [port] })], { env })
  process.kill(proxy.program.pid, 'SIGUSR2')
  await until(() => proxy.said('take-over failed, all is as before') === 1)
  expect(await (await fetch(`${proxy.url}/s/web`)).text()).toBe('web')
  expect(await proxy.program.end('SIGTERM')).toBe(0)
})

async function inFlight({ adminPort }: ProxyProgram): Promise<string> {
  return (await fetch(`http://127.0.0.1:${adminPort}/routes`)).text()
}
