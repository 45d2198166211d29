import { spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../shared/clock.ts'
import type { AssignedReplica } from '../../../../shared/protocol.ts'
import type { Exit } from '../../../../worker/drivers/driver.ts'
import { ProcessDriver } from '../../../../worker/drivers/process/process-driver.ts'
import { listProcesses } from '../../../../worker/drivers/process/process-table.ts'
import { until } from '../../../support/until.ts'
import { assignedReplica, node } from '../../support/assigned.ts'
import { RecordedLog } from '../../support/recorded-log.ts'
import { scratch } from '../../support/scratch.ts'

const PORT = 20_000
const IDLE = 'setInterval(() => {}, 1000)'

/** One life of a worker on the folder; the last one ends all that is left. */
function open(directory: string): { driver: ProcessDriver; exits: Exit[]; log: RecordedLog } {
  const log = new RecordedLog()
  const environment = { PATH: process.env.PATH, SECRET: 'of the worker' }
  const driver = new ProcessDriver({
    ...{ directory, clock: systemClock, log },
    surroundings: () => ({ node: 'n1', host: '127.0.0.1', environment }),
  })
  const exits: Exit[] = []
  const watching = new AbortController()
  const watched = driver.watch((news) => {
    if (news.kind !== 'exit') return
    const { kind: _, ...exit } = news
    exits.push(exit)
  }, watching.signal)
  onTestFinished(async () => {
    watching.abort()
    await watched
    for (const { replica } of (await driver.list()).running) await driver.stop(replica, 0)
  })
  return { driver, exits, log }
}

function start(driver: ProcessDriver, assigned: AssignedReplica, port = PORT) {
  return driver.start({ assigned, port, onProgress: () => undefined }, new AbortController().signal)
}

async function isRunning(handle: string | number): Promise<boolean> {
  return (await listProcesses()).some(({ pid, ended }) => pid === Number(handle) && !ended)
}

async function output(directory: string, name = 'stdout.log', replica = 'r1'): Promise<string> {
  return readFile(join(directory, replica, name), 'utf8')
}

describe('ProcessDriver.start()', () => {
  test('tells the program its port, its address and who it is, and little else', async () => {
    const directory = await scratch()
    const { driver } = open(directory)
    const command = node('console.log(JSON.stringify([process.env, process.cwd()]))')
    const environment = { COLOUR: "it's $HOME; `blue`", PORT: '1' }
    await start(driver, assignedReplica({ command, environment }))
    const [seen, cwd] = JSON.parse(await until(() => output(directory)))
    expect(seen).toMatchObject({
      ...{ PORT: '20000', HOST: '127.0.0.1', COLOUR: "it's $HOME; `blue`" },
      ...{ ORCHESTRIFY_REPLICA: 'r1', ORCHESTRIFY_SERVICE: 'web', ORCHESTRIFY_NODE: 'n1' },
    })
    expect(seen).not.toHaveProperty('SECRET')
    expect(cwd).toBe(join(directory, 'r1'))
  })

  test('passes every argument as it is, for there is no shell', async () => {
    const directory = await scratch()
    const { driver } = open(directory)
    const command = node('console.log(process.argv[1])', '$(touch pwned); echo "a b"')
    await start(driver, assignedReplica({ command }))
    expect(await until(() => output(directory))).toBe('$(touch pwned); echo "a b"\n')
  })

  test('says which program there is not', async () => {
    const { driver } = open(await scratch())
    const command = ['/no/such/program']
    await expect(start(driver, assignedReplica({ command }))).rejects.toThrow(
      'Cannot start "web": spawn /no/such/program ENOENT',
    )
    expect((await driver.list()).running).toEqual([])
  })

  test('says that it cannot run an image', async () => {
    const { driver } = open(await scratch())
    const { image, command } = { image: 'nginx:1', command: [] }
    await expect(start(driver, assignedReplica({ image, command }))).rejects.toThrow(
      'Cannot start "web": the process driver runs commands and it has only an image',
    )
  })

  test.each(['../escape', 'a/b', '', '.', '..'])('refuses the replica id "%s"', async (replica) => {
    const { driver } = open(await scratch())
    await expect(start(driver, assignedReplica({ replica }))).rejects.toThrow('it is no file name')
  })

  test('never runs the same replica twice', async () => {
    const { driver } = open(await scratch())
    const first = await start(driver, assignedReplica())
    const second = await start(driver, assignedReplica())
    expect(await isRunning(first.handle)).toBe(false)
    expect((await driver.list()).running.map(({ handle }) => handle)).toEqual([second.handle])
  })
})

describe('ProcessDriver.watch()', () => {
  const endings = [
    { how: 'exits at once', script: 'process.exit(3)', reason: 'exited with code 3' },
    {
      how: 'is killed',
      script: "process.kill(process.pid, 'SIGKILL')",
      reason: 'killed by SIGKILL',
    },
  ]
  test.each(endings)('tells of a process that $how', async ({ script, reason }) => {
    const { driver, exits } = open(await scratch())
    const { handle } = await start(driver, assignedReplica({ command: node(script) }))
    await until(() => exits.length > 0)
    expect(exits).toEqual([{ replica: 'r1', handle, reason }])
    expect((await driver.list()).running).toEqual([])
  })

  test('ends what a process leaves behind', async () => {
    const directory = await scratch()
    const { driver, exits } = open(directory)
    const script = `
      const { spawn } = require('node:child_process')
      const child = spawn(process.execPath, ['-e', '${IDLE}'], { stdio: 'ignore' })
      console.log(child.pid)
      child.unref()
      setTimeout(() => process.exit(0), 50)`
    await start(driver, assignedReplica({ command: node(script) }))
    const child = (await until(() => output(directory))).trim()
    await until(() => exits.length > 0)
    await until(async () => !(await isRunning(child)))
  })

  test('bounds the output of a process that floods it', async () => {
    const directory = await scratch()
    const { driver } = open(directory)
    const script = "const b = 'x'.repeat(1e6); setInterval(() => process.stdout.write(b), 1)"
    await start(driver, assignedReplica({ command: node(script) }))
    let largest = 0
    await until(async () => {
      const { length } = await output(directory)
      const wasBounded = length < largest
      largest = Math.max(largest, length)
      return wasBounded
    })
    expect(largest).toBeGreaterThan(0)
  })
})

describe('ProcessDriver.stop()', () => {
  test('lets a process end in its own way', async () => {
    const directory = await scratch()
    const { driver } = open(directory)
    const script = `process.on('SIGTERM', () => { console.log('bye'); process.exit(0) })
      console.log('up'); ${IDLE}`
    const { handle } = await start(driver, assignedReplica({ command: node(script) }))
    await until(() => output(directory))
    await driver.stop('r1', 10_000)
    expect(await output(directory)).toBe('up\nbye\n')
    expect(await isRunning(handle)).toBe(false)
  })

  test('forces one that ignores the request, with its children', async () => {
    const directory = await scratch()
    const { driver } = open(directory)
    const child = `process.on("SIGTERM", () => {}); ${IDLE}`
    const script = `
      process.on('SIGTERM', () => {})
      const { spawn } = require('node:child_process')
      console.log(spawn(process.execPath, ['-e', ${JSON.stringify(child)}]).pid)
      ${IDLE}`
    const { handle } = await start(driver, assignedReplica({ command: node(script) }))
    const grandchild = (await until(() => output(directory))).trim()
    await driver.stop('r1', 100)
    expect(await isRunning(handle)).toBe(false)
    expect(await isRunning(grandchild)).toBe(false)
  })

  test('does nothing for a replica that is not there', async () => {
    const { driver } = open(await scratch())
    await driver.stop('never-seen', 1_000)
  })

  test('keeps the output of replicas that ended, but not of all', async () => {
    const directory = await scratch()
    const { driver } = open(directory)
    for (let at = 0; at < 23; at += 1) {
      const replica = `old-${at}`
      await mkdir(join(directory, replica))
    }
    await start(driver, assignedReplica({ command: node("console.log('last words')") }))
    await until(() => output(directory))
    await driver.stop('r1', 1_000)
    expect(await output(directory)).toBe('last words\n')
    await expect(output(directory, 'ledger.json')).rejects.toThrow('ENOENT')
    expect(await readdir(directory)).toHaveLength(20)
  })
})

describe('ProcessDriver.list() in a later life of the worker', () => {
  test('finds what runs under the same process id and port, and notices its end', async () => {
    const directory = await scratch()
    const before = open(directory)
    const started = await start(before.driver, assignedReplica(), 20_017)
    const { driver, exits } = open(directory)
    expect((await driver.list()).running).toEqual([started])
    process.kill(Number(started.handle), 'SIGKILL')
    await until(() => exits.length > 0)
    expect(exits).toEqual([{ replica: 'r1', handle: started.handle, reason: 'ended' }])
  })

  test('never takes another process that got the same number', async () => {
    const directory = await scratch()
    const stranger = spawn(process.execPath, ['-e', IDLE])
    onTestFinished(() => void stranger.kill('SIGKILL'))
    const self = { pid: stranger.pid, startedTicks: 1, bootId: 'an earlier boot' }
    const note = { assigned: assignedReplica(), port: PORT, startedAtMs: 1, process: self }
    await mkdir(join(directory, 'r1'))
    await writeFile(join(directory, 'r1', 'ledger.json'), JSON.stringify(note))
    const { driver } = open(directory)
    expect((await driver.list()).running).toEqual([])
    await driver.stop('r1', 0)
    expect(stranger.exitCode ?? stranger.signalCode).toBeNull()
    expect(await isRunning(stranger.pid ?? 0)).toBe(true)
  })

  test('finds a process whose worker died before it could note the number', async () => {
    const directory = await scratch()
    const before = open(directory)
    const started = await start(before.driver, assignedReplica())
    const path = join(directory, 'r1', 'ledger.json')
    const { process: _unknown, ...note } = JSON.parse(await readFile(path, 'utf8'))
    await writeFile(path, JSON.stringify(note))
    expect((await open(directory).driver.list()).running).toEqual([started])
  })

  test('ends a process whose note is damaged, and says so', async () => {
    const directory = await scratch()
    const before = open(directory)
    const { handle } = await start(before.driver, assignedReplica())
    await writeFile(join(directory, 'r1', 'ledger.json'), '{"assigned":')
    const { driver, log } = open(directory)
    expect((await driver.list()).running).toEqual([])
    expect(log.count('damaged replica note')).toBe(1)
    expect(await isRunning(handle)).toBe(false)
  })
})

describe('ProcessDriver.exec()', () => {
  const commands = [
    { script: "console.log('well')", code: 0, output: 'well' },
    { script: "console.error('ill'); process.exit(7)", code: 7, output: 'ill' },
    { script: 'console.log(process.env.PORT)', code: 0, output: '20000' },
  ]
  test.each(commands)('answers code $code and "$output"', async ({ script, code, output }) => {
    const { driver } = open(await scratch())
    await start(driver, assignedReplica())
    expect(await driver.exec('r1', node(script), 20_000)).toEqual({ code, output })
  })

  test('ends a command that takes too long', async () => {
    const { driver } = open(await scratch())
    await start(driver, assignedReplica())
    const { code, output } = await driver.exec('r1', node(IDLE), 200)
    expect({ code, output }).toEqual({ code: 124, output: 'took longer than 200 ms' })
  })

  test('answers what there is not, and bounds what is printed', async () => {
    const { driver } = open(await scratch())
    await start(driver, assignedReplica())
    expect(await driver.exec('r1', ['/no/such'], 20_000)).toMatchObject({ code: 127 })
    const flood = node("process.stdout.write('x'.repeat(1e6))")
    expect((await driver.exec('r1', flood, 20_000)).output).toHaveLength(4_096)
  })
})

test('ProcessDriver.stats() counts the memory and the CPU of a process and its children', async () => {
  const directory = await scratch()
  const { driver } = open(directory)
  const burn = 'for (;;) {}'
  const script = `require('node:child_process').spawn(process.execPath, ['-e', '${burn}']); ${IDLE}`
  await start(driver, assignedReplica({ command: node(script) }))
  const busy = await until(async () => {
    const stats = await driver.stats('r1')
    return stats !== undefined && stats.cpuPercent > 10 ? stats : undefined
  })
  expect(busy.memoryMb).toBeGreaterThan(20)
  expect(await driver.stats('r2')).toBeUndefined()
})
