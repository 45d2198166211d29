import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { identify, isAlive, signal } from '../../../../master/cli/up/processes.ts'
import { leftoverReplicas } from '../../../../master/cli/up/replicas.ts'
import { end, stopAll } from '../../../../master/cli/up/stop.ts'
import { systemClock } from '../../../../shared/clock.ts'
import { until } from '../../../support/until.ts'

const never = new AbortController().signal
const stopping = { clock: systemClock, urgent: never }
let dir = ''
const started: ChildProcess[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'orchestrify-processes-'))
})

afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

interface Started {
  readonly child: ChildProcess
  readonly identity: ReturnType<typeof identified>
}

const STUBBORN = `process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000)`
const PLAIN = `console.log('up'); setInterval(() => {}, 1000)`

async function start(code: string, options: { cwd?: string; env?: object } = {}): Promise<Started> {
  const child = spawn(process.execPath, ['-e', code], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
    cwd: options.cwd,
    env: { PATH: process.env.PATH, ...options.env },
  })
  started.push(child)
  await new Promise((resolve) => child.stdout?.once('data', resolve))
  return { child, identity: identified(child.pid ?? 0) }
}

function identified(pid: number) {
  const identity = identify(pid)
  if (identity === undefined) throw new Error(`no process ${pid}`)
  return identity
}

test('isAlive() knows a process from another one with the same number', async () => {
  const { identity } = await start(PLAIN)
  expect(isAlive(identity)).toBe(true)
  expect(isAlive({ ...identity, startedTicks: identity.startedTicks + 1 })).toBe(false)
  expect(isAlive({ ...identity, bootId: 'another' })).toBe(false)
})

test('signal() spares a process that only has the same number', async () => {
  const { child, identity } = await start(PLAIN)
  signal({ ...identity, startedTicks: identity.startedTicks + 1 }, 'SIGKILL')
  signal(identity, 'SIGTERM')
  await until(() => child.signalCode)
  expect(child.signalCode).toBe('SIGTERM')
})

test('end() forces what does not end by itself', async () => {
  const { child, identity } = await start(STUBBORN)
  await end([identity], 200, stopping)
  await until(() => child.signalCode)
  expect(child.signalCode).toBe('SIGKILL')
})

test('end() does not wait when it is urgent', async () => {
  const { child, identity } = await start(STUBBORN)
  await end([identity], 60_000, { ...stopping, urgent: AbortSignal.abort() })
  await until(() => child.signalCode)
  expect(child.signalCode).toBe('SIGKILL')
})

test('stopAll() ends the proxy before the master and the master before the workers', async () => {
  const roles = ['worker', 'master', 'proxy'] as const
  const order = join(dir, 'order')
  const children = await Promise.all(
    roles.map(async (role) => {
      const last = `require('fs').appendFileSync('${order}', '${role} '); process.exit(0)`
      const code = `process.on('SIGTERM', () => { ${last} }); ${PLAIN}`
      const { identity } = await start(code)
      return { role, name: role, log: '', process: identity }
    }),
  )
  const stopped = await stopAll({ dir, children, ...stopping })
  expect(readFileSync(order, 'utf8')).toBe('proxy master worker ')
  expect(stopped).toEqual({ programs: ['proxy', 'master', 'worker'], replicas: 0 })
})

function folderOf(replica: string): string {
  const folder = join(dir, 'worker-1', 'replicas', replica)
  mkdirSync(folder, { recursive: true })
  return folder
}

test('leftoverReplicas() finds a replica by its note, with the children that it started', async () => {
  const code = `
    const child = require('child_process').spawn(process.execPath, ['-e', 'setInterval(()=>{},1000)'])
    console.log('up')`
  const folder = folderOf('r1')
  const { identity } = await start(code, { cwd: folder })
  writeFileSync(join(folder, 'ledger.json'), JSON.stringify({ process: identity }))
  const found = leftoverReplicas(dir)
  expect(found.map(({ pid }) => pid)).toContain(identity.pid)
  expect(found).toHaveLength(2)
  await end(found, 5_000, stopping)
  expect(leftoverReplicas(dir)).toEqual([])
})

test('leftoverReplicas() finds a replica whose note is torn, by its environment', async () => {
  const folder = folderOf('r2')
  writeFileSync(join(folder, 'ledger.json'), '{"process": {"pi')
  const env = { PWD: folder, ORCHESTRIFY_REPLICA: 'r2' }
  const { identity } = await start(PLAIN, { cwd: folder, env })
  expect(leftoverReplicas(dir).map(({ pid }) => pid)).toEqual([identity.pid])
})

test('leftoverReplicas() spares who only stands in a folder, and who got a number again', async () => {
  const folder = folderOf('r3')
  const { identity } = await start(PLAIN, { cwd: folder })
  const before = { ...identity, startedTicks: identity.startedTicks - 1 }
  writeFileSync(join(folder, 'ledger.json'), JSON.stringify({ process: before }))
  expect(leftoverReplicas(dir)).toEqual([])
})
