/** The command line against a whole cluster of real programs, as `up` starts it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { identify } from '../../../../master/cli/up/processes.ts'
import { readState } from '../../../../master/cli/up/state.ts'
import type { NodeView, ReplicaView } from '../../../../shared/api.ts'
import { processesIn } from '../../../support/ground.ts'
import { freePort, Program, ROOT, run } from '../../../support/program.ts'
import { until } from '../../../support/until.ts'

const dir = mkdtempSync(join(tmpdir(), 'orchestrify-up-'))
const data = join(dir, 'data')
const sample = [process.execPath, join(ROOT, 'dist/examples/sample-service.js')]
let port = 0
let proxyPort = 0
/** Others may use this machine to the full at the same moment. */
const environment = (): Record<string, string> => ({
  ORCHESTRIFY_MASTER: `http://127.0.0.1:${port}`,
  ORCHESTRIFY_BUSY_CPU: '100',
  ORCHESTRIFY_BUSY_MEMORY: '100',
  ORCHESTRIFY_BUSY_DISK: '100',
})

const call = (...argv: readonly string[]) => run('master', argv, { cwd: dir, env: environment() })
const upFlags = () => ['--data', data, '--port', `${port}`, '--proxy-port', `${proxyPort}`]

const running: Program[] = []
const started = (...parameters: ConstructorParameters<typeof Program>): Program => {
  const program = new Program(...parameters)
  running.push(program)
  return program
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((program) => program.end('SIGKILL')))
})

beforeAll(async () => {
  port = await freePort()
  proxyPort = await freePort()
  const up = await call('up', ...upFlags(), '--workers', '2', '--driver', 'process', '--detach')
  expect(up.output).toContain('Ready')
  expect(up.output).toContain('Next: orchestrify run NAME -- COMMAND...')
  expect(up.code).toBe(0)
}, 90_000)

afterAll(async () => {
  const down = await call('down', '--data', data)
  const left = processesIn(dir)
  rmSync(dir, { recursive: true, force: true })
  expect(down.code).toBe(0)
  expect(left).toEqual([])
}, 90_000)

const listed = async <T>(words: string, key: string): Promise<readonly T[]> =>
  JSON.parse((await call(...words.split(' '), '--json')).output)[key]

test('nodes lists the workers; node shows one by name and by the short id', async () => {
  const nodes = await listed<NodeView>('nodes', 'nodes')
  expect(nodes.map(({ name }) => name).sort()).toEqual(['worker-1', 'worker-2'])
  const [first] = nodes
  const short = first?.id.slice(0, 8) ?? ''
  expect((await call('nodes')).output).toContain(short)
  for (const argv of [
    ['node', short],
    ['--node', first?.name ?? ''],
  ]) {
    const { code, output } = await call(...argv)
    expect(code).toBe(0)
    expect(output).toContain(first?.id)
  }
})

test.each([
  ['node', 'nope'],
  ['--node', 'deadbeef'],
  ['--node-del', 'deadbeef'],
  ['proc', 'deadbeef'],
  ['--proc-del', 'deadbeef'],
  ['service', 'nope'],
  ['why', 'nope'],
  ['scale', 'nope', '2'],
  ['rm', 'nope'],
  ['release', 'nope'],
])('%s %s is one sentence and exit code 1', async (...argv) => {
  const { code, output } = await call(...argv)
  expect(code).toBe(1)
  expect(output).toMatch(/^Cannot find .*"(nope|deadbeef)"[^\n]*\n$/)
})

test('run waits until the service answers through the proxy; why, scale and rm follow it', async () => {
  const health = ['--health', '/health']
  const started = await call('run', 'web', ...health, '--env', 'DELAY_MS:1', '--', ...sample)
  expect(started).toMatchObject({ code: 0 })
  const url = `http://127.0.0.1:${proxyPort}/s/web/`
  expect(started.output).toContain(url)
  const answered = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  expect(await answered.json()).toMatchObject({ delayMs: 1 })
  expect((await call('why', 'web')).output).toMatch(/^"web" has 1 replica: .+\n/)
  expect((await call('scale', 'web', '3')).output).toContain('has 3 replicas')
  await until(async () => (await listed<ReplicaView>('procs web', 'replicas')).length === 3)
  const refused = await call('scale', 'web', '99')
  expect(refused).toMatchObject({ code: 1 })
  expect(refused.output).toMatch(/^Cannot scale "web" to 99: .*maximum/)
  expect((await call('events', '--limit', '100')).output).toMatch(/web goes from 1 to 3 replicas/)
  expect(await call('rm', 'web')).toMatchObject({ code: 0 })
  await until(async () => (await call('services')).output.startsWith('No services'))
})

test('--image-name deploys with a command, a name, variables, and tells where it runs', async () => {
  const flags = ['--image-name', 'reg:5000/team/shop:1.2', '--name', 'shop', '-e', 'DELAY_MS:2']
  const deployed = await call(...flags, '--command', sample.join(' '))
  expect(deployed.code).toBe(0)
  expect(deployed.output).toMatch(/on worker-\d: http:\/\/127\.0\.0\.1:\d+/)
  const [replica] = await listed<ReplicaView>('--procs', 'replicas')
  const short = replica?.id.slice(0, 8) ?? ''
  expect((await call('--proc', short)).output).toContain('reg:5000/team/shop:1.2')
  expect(await call('--proc-del', short)).toMatchObject({ code: 0 })
  await until(
    async () => (await listed<ReplicaView>('procs shop', 'replicas').catch(() => [])).length === 0,
  )
})

test('run says why a command cannot start, and exits with 1', async () => {
  const { code, output } = await call('run', 'broken', '--', '/no/such/program')
  await call('rm', 'broken')
  expect(code).toBe(1)
  expect(output).toMatch(/^Cannot start "broken": .*ENOENT/m)
})

test('events --follow shows what happens until it is told to end, also after the master was away', async () => {
  const follow = started('master', ['events', '--follow'], { cwd: dir, env: environment() })
  await until(() => follow.output.includes('is applied'))
  await call('run', 'late', '--no-wait', '--', ...sample)
  await until(() => follow.output.includes('late is applied'))
  const master = readState(data)?.children.find(({ role }) => role === 'master')
  process.kill(master?.process?.pid ?? 0, 'SIGKILL')
  await until(() => follow.output.includes('; waiting for it'))
  await until(async () => (await call('run', 'later', '--no-wait', '--', ...sample)).code === 0)
  await until(() => follow.output.includes('later is applied'))
  expect(await follow.end('SIGINT')).toBe(0)
  await call('rm', 'late')
  await call('rm', 'later')
})

test('--watch prints anew until it is told to end', async () => {
  const watch = started('master', ['nodes', '--watch'], { cwd: dir, env: environment() })
  await until(() => watch.output.includes('worker-2'))
  expect(await watch.end('SIGINT')).toBe(0)
})

test('a second up says what runs and starts nothing', async () => {
  const before = readState(data)
  const { code, output } = await call('up', '--data', data)
  expect(code).toBe(0)
  expect(output).toContain('It runs already')
  expect(output).toContain(`http://127.0.0.1:${port}`)
  expect(readState(data)).toEqual(before)
})

test('up names the port that is taken and leaves nothing behind', async () => {
  const other = join(dir, 'other')
  const flags = ['--data', other, '--port', `${port}`]
  const { code, output } = await call('up', ...flags)
  expect(code).toBe(1)
  expect(output).toMatch(
    new RegExp(`^Cannot start the master: port ${port} is in use by another orchestrify master`),
  )
  expect(existsSync(join(other, 'up.json'))).toBe(false)
})

test('up starts a program that was killed again; its replicas stay', async () => {
  await call('run', 'kept', '--health', '/health', '--', ...sample)
  const [replica] = await listed<ReplicaView>('procs kept', 'replicas')
  const worker = readState(data)?.children.find(({ name }) => name === replica?.nodeName)
  process.kill(worker?.process?.pid ?? 0, 'SIGKILL')
  await until(() => {
    const now = readState(data)?.children.find(({ name }) => name === worker?.name)
    const pid = now?.process?.pid
    return pid !== undefined && pid !== worker?.process?.pid && identify(pid) !== undefined
  })
  expect(readFileSync(join(data, 'logs', 'up.log'), 'utf8')).toContain('was ended by SIGKILL')
  expect(identify(Number(replica?.handle))).toBeDefined()
  expect(await call('rm', 'kept')).toMatchObject({ code: 0 })
})

test('--node-del moves what a node runs and removes it; its worker stays ended', async () => {
  await call('run', 'moved', '--min', '2', '--health', '/health', '--', ...sample)
  expect(await call('--node-del', 'worker-2')).toMatchObject({ code: 0 })
  const nodes = await listed<NodeView>('nodes', 'nodes')
  expect(nodes.map(({ name }) => name)).toEqual(['worker-1'])
  await until(async () => {
    const replicas = await listed<ReplicaView>('procs moved', 'replicas')
    const serving = replicas.filter(({ state }) => state === 'serving')
    return serving.length === 2 && serving.every((one) => one.nodeName === 'worker-1')
  })
})

test('token prints the line by which others join, and the admin token alone', async () => {
  const line = await call('token', '--data', data, '--host', '10.0.0.7')
  expect(line.output).toMatch(
    new RegExp(
      `^orchestrify worker --master-ip https://10\\.0\\.0\\.7:${port} --token orc1\\.\\S+\n`,
    ),
  )
  expect((await call('token', '--data', data, '--admin')).output).toMatch(/^orc1\.[^.]+\.a\.\S+\n$/)
})
