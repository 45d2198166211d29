/** What `down` finds after every kind of end. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { identify } from '../../../../master/cli/up/processes.ts'
import { readState } from '../../../../master/cli/up/state.ts'
import { processesIn } from '../../../support/ground.ts'
import { Program, ROOT, run } from '../../../support/program.ts'
import { until } from '../../../support/until.ts'

let dir = ''
let data = ''
const env = { ORCHESTRIFY_BUSY_CPU: '100', ORCHESTRIFY_BUSY_MEMORY: '100' }
const call = (...argv: readonly string[]) => run('master', argv, { cwd: dir, env })
const any = ['--port', '0', '--proxy-port', '0', '--driver', 'process']

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-down-'))
  data = join(dir, 'data')
})

afterEach(async () => {
  await call('down', '--data', data)
  rmSync(dir, { recursive: true, force: true })
})

async function started(): Promise<readonly number[]> {
  const up = await call('up', '--data', data, ...any, '--detach')
  expect(up.output).toContain('Ready')
  const state = readState(data)
  const sample = [process.execPath, join(ROOT, 'dist/examples/sample-service.js')]
  const ran = await call('run', 'web', '--master', state?.master ?? '', '--', ...sample)
  expect(ran).toMatchObject({ code: 0 })
  const programs = state?.children.flatMap((child) => child.process?.pid ?? []) ?? []
  return [state?.supervisor.pid ?? 0, ...programs, ...processesIn(join(data, 'worker-1'))]
}

const living = (pids: readonly number[]): readonly number[] =>
  pids.filter((pid) => identify(pid) !== undefined)

test('down says that nothing runs, and exits with 0', async () => {
  const { code, output } = await call('down', '--data', data)
  expect(output).toBe(`Nothing runs in ${data}.\n`)
  expect(code).toBe(0)
})

test('down ends everything that up started, with the replicas', async () => {
  const pids = await started()
  expect(living(pids)).toHaveLength(5)
  const { code, output } = await call('down', '--data', data)
  expect(output).toBe('Stopped master, worker-1, proxy.\n')
  expect(code).toBe(0)
  expect(living(pids)).toEqual([])
  expect(readState(data)).toBeUndefined()
})

test('down ends what is left after the supervisor was killed', async () => {
  const pids = await started()
  process.kill(pids[0] ?? 0, 'SIGKILL')
  await until(() => living(pids).length === 4)
  expect((await call('down', '--data', data)).output).toBe('Stopped proxy, master, worker-1.\n')
  expect(living(pids)).toEqual([])
})

test('down ends the replicas after every program was killed', async () => {
  const pids = await started()
  for (const pid of pids.slice(0, -1)) process.kill(pid, 'SIGKILL')
  await until(() => living(pids).length === 1)
  expect((await call('down', '--data', data)).output).toBe('Stopped 1 process of a replica.\n')
  expect(living(pids)).toEqual([])
})

test('up clears what a killed up left behind, then starts', async () => {
  const pids = await started()
  process.kill(pids[0] ?? 0, 'SIGKILL')
  await until(() => living(pids).length === 4)
  const { code, output } = await call('up', '--data', data, ...any, '--detach')
  expect(output).toContain('stopping what it left behind')
  expect(code).toBe(0)
  expect(living(pids)).toEqual([])
})

test('up in the foreground ends everything at Ctrl-C', async () => {
  const up = new Program('master', ['up', '--data', data, ...any], { cwd: dir, env })
  onTestFinished(async () => void (await up.end('SIGTERM')))
  await until(() => up.output.includes('Ready'))
  const pids = readState(data)?.children.flatMap((child) => child.process?.pid ?? []) ?? []
  expect(living(pids)).toHaveLength(3)
  expect(await up.end('SIGINT')).toBe(0)
  expect(up.output).toContain('Stopped proxy, master, worker-1.')
  expect(living(pids)).toEqual([])
  expect(readState(data)).toBeUndefined()
})

test('up in the foreground ends everything when its terminal is gone', async () => {
  const up = new Program('master', ['up', '--data', data, ...any], { cwd: dir, env })
  onTestFinished(async () => void (await up.end('SIGTERM')))
  await until(() => up.output.includes('Ready'))
  const children = readState(data)?.children ?? []
  const pids = children.flatMap((child) => child.process?.pid ?? [])
  up.child.stdout?.destroy()
  up.child.stderr?.destroy()
  // It has something to say now, and nobody reads it.
  process.kill(children.find(({ role }) => role === 'worker')?.process?.pid ?? 0, 'SIGKILL')
  await up.ended()
  expect(living(pids)).toEqual([])
  expect(readState(data)).toBeUndefined()
})
