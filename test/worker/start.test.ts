import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { readConfig } from '../../shared/config.ts'
import { type WorkerConfig, workerKnobs } from '../../worker/config.ts'
import { isErrno } from '../../worker/drivers/process/errno.ts'
import { listProcesses } from '../../worker/drivers/process/process-table.ts'
import { runWorker } from '../../worker/start.ts'
import { until } from '../support/until.ts'
import { assignedReplica, node, SERVER } from './support/assigned.ts'
import { RecordedLog } from './support/recorded-log.ts'
import { scratch } from './support/scratch.ts'
import { TinyMaster } from './support/tiny-master.ts'

interface Life {
  readonly log: RecordedLog
  readonly ended: Promise<void>
  leave(): void
}

const TIMELY = ['--restart-backoff', '50ms', '--leave-grace', '10s']

/** One life of a worker; what it left running is ended with the test. */
function live(master: TinyMaster, data: string, ...flags: readonly string[]): Life {
  const own = ['--master-ip', master.url, '--worker-name', 'w1', '--data', data, '--port', '0']
  const argv = [...own, ...TIMELY, ...flags]
  const config: WorkerConfig = readConfig(workerKnobs, { argv, environment: {} })
  const log = new RecordedLog()
  const leaving = new AbortController()
  const environment = { PATH: process.env.PATH }
  const ended = runWorker(config, { log, environment, leave: leaving.signal })
  ended.catch(() => undefined)
  const leave = (): void => leaving.abort()
  onTestFinished(async () => {
    master.refusals.set('leave', { status: 503, code: 'GONE_HOME' })
    leave()
    await ended.catch(() => undefined)
    for (const pid of await pidsIn(data)) end(pid)
  })
  return { log, ended, leave }
}

/** The processes that the ledgers of this worker name. */
async function pidsIn(data: string): Promise<readonly number[]> {
  const folder = join(data, 'replicas')
  const replicas = await readdir(folder).catch(() => [])
  const pids = replicas.map(async (replica) => {
    const text = await readFile(join(folder, replica, 'ledger.json'), 'utf8').catch(() => '{}')
    return JSON.parse(text).process?.pid ?? 0
  })
  const running = new Set((await listProcesses()).filter((row) => !row.ended).map(({ pid }) => pid))
  return (await Promise.all(pids)).filter((pid) => pid > 1 && running.has(pid))
}

function end(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!isErrno(error, 'ESRCH')) throw error
  }
}

const WEB = assignedReplica({ command: node(SERVER) })
const HTTP = {
  ...WEB,
  health: { ...WEB.health, probe: { kind: 'http' as const, path: '/' } },
}

describe('runWorker() joins', () => {
  test('under its name, and proves the next time that it is the same node', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const first = live(master, data)
    await until(() => master.beats.length > 0)
    first.leave()
    master.refusals.set('heartbeat', { status: 410, code: 'GONE' })
    await first.ended
    master.refusals.clear()
    live(master, data)
    await until(() => master.joins.length === 2)
    expect(master.joins[0]).toMatchObject({ name: 'w1', driver: 'process' })
    expect(master.joins.map(({ secret }) => secret)).toEqual([undefined, 'secret-1'])
  })

  test('as soon as there is a master, and says once that there is none', async () => {
    const master = await TinyMaster.start()
    await master.goAway()
    const { log } = live(master, await scratch())
    await until(() => log.count('master does not answer, replicas go on') === 1)
    await master.come()
    await until(() => master.beats.length > 0)
    expect(log.count('master does not answer, replicas go on')).toBe(1)
    expect(log.count('master is back')).toBe(1)
  })

  test.each([401, 403, 409, 422, 426])('not, with the sentence of refusal %d', async (status) => {
    const master = await TinyMaster.start()
    master.refusals.set('nodes', { status, code: 'NO' })
    await expect(live(master, await scratch()).ended).rejects.toThrow('Cannot serve nodes: NO')
  })

  test('not over plain HTTP beyond this machine', async () => {
    const master = await TinyMaster.start()
    const life = live(master, await scratch(), '--master', 'http://192.0.2.1:18080')
    await expect(life.ended).rejects.toThrow('plain HTTP is for loopback only')
  })

  test('not in the directory of another worker', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    live(master, data)
    await until(() => master.beats.length > 0)
    await expect(live(master, data).ended).rejects.toThrow('uses it')
  })

  test('not a master that is older than the one it obeyed', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const remembered = { epoch: 9, node: 'n1', address: '127.0.0.1', replicas: [] }
    await writeFile(join(data, 'assignments.json'), JSON.stringify(remembered))
    await expect(live(master, data).ended).rejects.toThrow('epoch 3 is older')
  })
})

describe('runWorker() runs', () => {
  test('what it is assigned, tells where it serves, and stops it when it is not', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    live(master, data)
    master.assign(HTTP)
    await until(() => master.phaseOf('r1') === 'serving')
    const { port, handle } = master.replicas.get('r1') ?? {}
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('ok')
    expect(await pidsIn(data)).toEqual([Number(handle)])
    master.assign()
    await until(() => master.phaseOf('r1') === undefined)
    expect(await pidsIn(data)).toEqual([])
  })

  test('a replica again that died, on the same port', async () => {
    const master = await TinyMaster.start()
    live(master, await scratch())
    master.assign(HTTP)
    await until(() => master.phaseOf('r1') === 'serving')
    const before = master.replicas.get('r1')
    end(Number(before?.handle))
    const after = await until(() => {
      const now = master.replicas.get('r1')
      return now?.phase.kind === 'serving' && now.handle !== before?.handle ? now : undefined
    })
    expect(after).toMatchObject({ port: before?.port, restarts: 1 })
  })

  const hopeless = [
    { what: 'no such program', change: { command: ['/no/such'] }, why: 'ENOENT' },
    { what: 'only an image', change: { command: [], image: 'x' }, why: 'only an image' },
    {
      what: 'a program that ends at once',
      change: { command: node('process.exit(2)'), health: HTTP.health },
      why: 'exited with code 2, 3 times before it ever served',
    },
    {
      what: 'a program that never listens',
      change: { health: { ...HTTP.health, startMaxMs: 300 } },
      why: 'it did not pass its health check within 0.3 s: connect ECONNREFUSED',
    },
  ]
  test.each(hopeless)('not for ever: it gives back $what', async ({ change, why }) => {
    const master = await TinyMaster.start()
    const data = await scratch()
    live(master, data)
    master.assign(assignedReplica(change))
    await until(() => master.phaseOf('r1') === 'failed')
    expect(master.replicas.get('r1')?.phase).toMatchObject({ reason: expect.stringContaining(why) })
    await until(async () => (await pidsIn(data)).length === 0)
  })

  test('a replica out of rotation that turns ill, and starts it anew when it stays ill', async () => {
    const master = await TinyMaster.start()
    const folder = await scratch()
    const file = join(folder, 'ill')
    const script = `
      const { createServer } = require('node:http')
      const { existsSync } = require('node:fs')
      const status = () => (existsSync(${JSON.stringify(file)}) ? 500 : 200)
      createServer((q, s) => s.writeHead(status()).end()).listen(+process.env.PORT, '127.0.0.1')`
    live(master, await scratch())
    master.assign({ ...HTTP, command: node(script) })
    await until(() => master.phaseOf('r1') === 'serving')
    const { handle } = master.replicas.get('r1') ?? {}
    await mkdir(file)
    await until(() => master.phaseOf('r1') === 'unhealthy')
    expect(master.replicas.get('r1')?.phase).toMatchObject({ reason: 'GET / answered 500' })
    await until(() => master.replicas.get('r1')?.handle !== handle)
  })
})

describe('runWorker() and its master', () => {
  test('goes on without it, and restarts what dies meanwhile', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const { log } = live(master, data)
    master.assign(HTTP)
    await until(() => master.phaseOf('r1') === 'serving')
    await master.goAway()
    await until(() => log.count('master does not answer, replicas go on') === 1)
    const [before = 0] = await pidsIn(data)
    end(before)
    await until(() => log.count('replica serves') === 2)
    await master.come()
    await until(() => log.count('master is back') === 1)
    await until(() => master.replicas.get('r1')?.restarts === 1)
  })

  test('tells it everything again when it asks for that, and when it is a new one', async () => {
    const master = await TinyMaster.start()
    live(master, await scratch())
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    await until(() => master.beats.at(-1)?.full === false)
    master.wantFull = true
    await until(() => master.beats.at(-1)?.full)
    master.wantFull = false
    await until(() => master.beats.at(-1)?.full === false)
    master.epoch = 4
    await until(() => master.beats.at(-1)?.full)
    expect(master.beats.at(-1)?.replicas).toHaveLength(1)
    const numbers = master.beats.map(({ seq }) => seq)
    expect(numbers).toEqual(numbers.map((_, at) => at + 1))
  })

  test('joins again under the same identity when it is not known any more', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    live(master, data)
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    const [pid] = await pidsIn(data)
    master.refusals.set('heartbeat', { status: 404, code: 'UNKNOWN_NODE' })
    await until(() => master.joins.length > 1)
    master.refusals.clear()
    const { length } = master.beats
    await until(() => master.beats.length > length)
    expect(master.joins[1]).toMatchObject({ name: 'w1', secret: 'secret-1' })
    expect(master.beats[length]?.full).toBe(true)
    expect(await pidsIn(data)).toEqual([pid])
  })

  test('refuses one of an earlier epoch: it stops nothing for it', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const { log } = live(master, data)
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    master.epoch = 2
    master.assign()
    await until(() => log.count('older master refused') > 0)
    await until(() => master.polls.length > 2)
    expect(await pidsIn(data)).toHaveLength(1)
    master.epoch = 5
    await until(async () => (await pidsIn(data)).length === 0)
  })

  test('stops its replicas and ends well when its node was removed', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const { ended, log } = live(master, data)
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    master.refusals.set('heartbeat', { status: 410, code: 'GONE' })
    await ended
    expect(await pidsIn(data)).toEqual([])
    expect(log.lines.at(-1)?.fields).toMatchObject({
      reason: 'the node was removed from the cluster',
    })
  })
})

describe('runWorker() in a later life', () => {
  test('takes over what runs, and tells at once that it serves', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const first = live(master, data)
    master.assign(HTTP)
    await until(() => master.phaseOf('r1') === 'serving')
    const before = master.replicas.get('r1')
    master.refusals.set('leave', { status: 503, code: 'BUSY' })
    first.leave()
    await first.ended
    const { length } = master.beats
    live(master, data)
    await until(() => master.beats.length > length)
    expect(master.beats[length]?.replicas).toMatchObject([
      { handle: before?.handle, port: before?.port, phase: { kind: 'serving' } },
    ])
  })

  test('runs what it remembers while there is no master, and stops nothing', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const first = live(master, data)
    master.assign(HTTP, { ...HTTP, replica: 'r2' })
    await until(() => master.phaseOf('r1') === 'serving' && master.phaseOf('r2') === 'serving')
    await master.goAway()
    await until(() => first.log.count('master does not answer, replicas go on') === 1)
    first.leave()
    await first.ended
    const [gone = 0] = await pidsIn(data)
    end(gone)
    await until(async () => (await pidsIn(data)).length === 1)
    await writeFile(join(data, 'ports.json'), '{')
    const { log } = live(master, data)
    await until(() => log.count('replica serves') === 2)
    expect(await pidsIn(data)).toHaveLength(2)
    expect(log.count('replica stops')).toBe(0)
  })

  test('stops what is not assigned any more once a master said so', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const first = live(master, data)
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    master.refusals.set('leave', { status: 503, code: 'BUSY' })
    first.leave()
    await first.ended
    expect(await pidsIn(data)).toHaveLength(1)
    master.assign()
    live(master, data)
    await until(async () => (await pidsIn(data)).length === 0)
  })
})

describe('runWorker() leaves', () => {
  test.each([410, 401, 403])('after its replicas have moved (%d)', async (status) => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const { leave, ended } = live(master, data)
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    leave()
    await until(() => master.leaves === 1)
    expect(await pidsIn(data)).toHaveLength(1)
    master.assign()
    await until(() => master.phaseOf('r1') === undefined)
    master.refusals.set('heartbeat', { status, code: 'GONE' })
    await ended
    expect(await pidsIn(data)).toEqual([])
  })

  const exits = [
    { onExit: 'keep', left: 1 },
    { onExit: 'stop', left: 0 },
  ]
  test.each(exits)('with $left replica left that could not move: $onExit', async (row) => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const flags = ['--on-exit', row.onExit, '--leave-grace', '100ms']
    const { leave, ended } = live(master, data, ...flags)
    master.assign(assignedReplica())
    await until(() => master.phaseOf('r1') === 'serving')
    leave()
    await ended
    expect(master.leaves).toBe(1)
    expect(await pidsIn(data)).toHaveLength(row.left)
  })

  test('without waiting when there is no master', async () => {
    const master = await TinyMaster.start()
    const { leave, ended, log } = live(master, await scratch(), '--leave-grace', '1h')
    await until(() => master.beats.length > 0)
    await master.goAway()
    await until(() => log.count('master does not answer, replicas go on') === 1)
    leave()
    await ended
    expect(log.count('worker leaves without the master')).toBe(1)
  })
})
