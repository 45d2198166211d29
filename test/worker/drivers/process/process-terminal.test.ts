import { describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../../../shared/clock.ts'
import { listProcesses } from '../../../../worker/drivers/process/process-table.ts'
import {
  openSession,
  type ProcessSession,
} from '../../../../worker/drivers/process/process-terminal.ts'
import { until } from '../../../support/until.ts'
import { node } from '../../support/assigned.ts'
import { RecordedLog } from '../../support/recorded-log.ts'
import { scratch } from '../../support/scratch.ts'

async function open(...command: string[]): Promise<ProcessSession> {
  const environment = { PATH: process.env.PATH ?? '' }
  const launch = { command, folder: await scratch(), environment }
  const session = await openSession(launch, { clock: systemClock, log: new RecordedLog() })
  onTestFinished(() => session.close())
  return session
}

async function collect(session: ProcessSession): Promise<{ stdout: string; stderr: string }> {
  const seen = { stdout: '', stderr: '' }
  for await (const { stream, bytes } of session.output) seen[stream] += Buffer.from(bytes)
  return seen
}

async function isRunning(pid: number): Promise<boolean> {
  return (await listProcesses()).some((row) => row.pid === pid && !row.ended)
}

describe('openSession()', () => {
  test('keeps the outputs apart and tells the exit code', async () => {
    const session = await open(...node('console.log(1); console.error(2); process.exit(3)'))
    session.endInput()
    expect(await collect(session)).toEqual({ stdout: '1\n', stderr: '2\n' })
    expect(await session.exited).toBe(3)
  })

  test('feeds the command until its input ends', async () => {
    const session = await open('cat')
    const collected = collect(session)
    const text = 'x'.repeat(300_000)
    await session.write(Buffer.from(text))
    session.endInput()
    expect((await collected).stdout).toBe(text)
    await expect(session.write(Buffer.from('more'))).rejects.toThrow('reads no more')
  })

  test('reads no more than a little ahead of whoever watches', async () => {
    const script = `
      let n = 0
      const more = () => process.stdout.write('x'.repeat(10_000), () => {
        n += 1
        process.stderr.write(String(n) + ' ')
        more()
      })
      more()`
    const session = await open(...node(script))
    const output = session.output[Symbol.asyncIterator]()
    let progress = 0
    const note = ({ stream, bytes }: { stream: string; bytes: Uint8Array }): void => {
      if (stream !== 'stderr') return
      progress = Number(Buffer.from(bytes).toString().trim().split(' ').at(-1))
    }
    for (let at = 0; at < 20; at += 1) {
      const { value } = await output.next()
      if (value !== undefined) note(value)
    }
    expect(progress).toBeLessThan(200)
  })

  test('refuses a program that is not there', async () => {
    await expect(open('no-such-program')).rejects.toMatchObject({ status: 422 })
  })

  test('ends with its command although something it left behind holds the output', async () => {
    const child = "require('node:child_process').spawn('sleep', ['600'], { stdio: 'inherit' })"
    const session = await open(...node(`console.log(${child}.pid); process.exit(0)`))
    const { stdout } = await collect(session)
    expect(await session.exited).toBe(0)
    await until(async () => !(await isRunning(Number(stdout))))
  })

  test('ends although what it left behind has a session of its own', async () => {
    const options = "{ stdio: 'inherit', detached: true }"
    const child = `require('node:child_process').spawn('sleep', ['600'], ${options})`
    const session = await open(...node(`console.log(${child}.pid); process.exit(0)`))
    const { stdout } = await collect(session)
    onTestFinished(() => {
      process.kill(Number(stdout), 'SIGKILL')
    })
    expect(await session.exited).toBe(0)
  })

  test('close() ends the command and all that it has started', async () => {
    const child = "require('node:child_process').spawn('sleep', ['600'])"
    const session = await open(...node(`console.log(${child}.pid); setInterval(() => {}, 1e6)`))
    const output = session.output[Symbol.asyncIterator]()
    const { value } = await output.next()
    const pid = Number(Buffer.from(value?.bytes ?? []).toString())
    session.close()
    expect((await output.next()).done).toBe(true)
    expect(await session.exited).toBe(137)
    await until(async () => !(await isRunning(pid)))
  })
})
