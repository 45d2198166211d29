import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../shared/clock.ts'
import type { LogLine } from '../../shared/stream-protocol.ts'
import type { DockerDriver } from '../../worker/drivers/docker/docker-driver.ts'
import { openDockerDriver } from '../../worker/drivers/docker/open-docker-driver.ts'
import type { ExecSession } from '../../worker/drivers/driver.ts'
import { hasLab } from '../support/lab-needs.ts'
import { until } from '../support/until.ts'
import { NearEngine } from '../worker/drivers/docker/near-engine.ts'
import { assignedReplica } from '../worker/support/assigned.ts'
import { RecordedLog } from '../worker/support/recorded-log.ts'

describe.runIf(hasLab('commands and output of containers'))(
  'a docker driver that is watched',
  () => {
    const IMAGE = 'tiny:1'
    const never = new AbortController().signal
    let engine: NearEngine
    let driver: DockerDriver
    let started = 0

    beforeAll(async () => {
      engine = await NearEngine.start(IMAGE)
      const surroundings = () => ({ node: 'node-1', host: '127.0.0.1', epoch: 1 })
      const environment = { HOME: '/nowhere' }
      const { dockerHost } = engine
      driver = openDockerDriver({
        ...{ dockerHost, environment, clock: systemClock, log: new RecordedLog(), surroundings },
      })
    })
    afterAll(async () => {
      await driver.close()
      await engine.stop()
    })

    async function run(script: string): Promise<string> {
      started += 1
      const command = ['/bin/sh', '-c', script]
      const base = { replica: `replica-${started}`, image: IMAGE, command }
      const assigned = assignedReplica(base)
      const onProgress = (): void => undefined
      const { replica } = await driver.start(
        { assigned, port: 21_000 + started, onProgress },
        never,
      )
      onTestFinished(() => driver.stop(replica, 0))
      return replica
    }

    async function linesOf(lines: AsyncIterable<LogLine>): Promise<LogLine[]> {
      const all: LogLine[] = []
      for await (const line of lines) all.push(line)
      return all
    }

    async function textOf({ output }: ExecSession): Promise<string> {
      const chunks: Uint8Array[] = []
      for await (const { bytes } of output) chunks.push(bytes)
      return Buffer.concat(chunks).toString('utf8')
    }

    /** Processes of this command, wherever they run. */
    async function running(seconds: number): Promise<number> {
      const said = await engine.docker('ps', '--quiet')
      const tops = await Promise.all(
        said
          .split('\n')
          .filter(Boolean)
          .map((id) => engine.docker('top', id, '-eo', 'pid,args')),
      )
      return tops
        .join('\n')
        .split('\n')
        .filter((line) => line.includes(`sleep ${seconds}`)).length
    }

    test('exec() answers the code and what was printed on both ways', async () => {
      const replica = await run('exec sleep 1000')
      const script = 'echo one; echo two >&2; exit 3'
      const { code, output } = await driver.exec(replica, ['sh', '-c', script], 10_000)
      expect(code).toBe(3)
      expect(output.split('\n').sort()).toEqual(['one', 'two'])
    })

    test('exec() keeps only the beginning of what is printed without end', async () => {
      const replica = await run('exec sleep 1000')
      const { code, output } = await driver.exec(
        replica,
        ['sh', '-c', 'yes | head -100000'],
        20_000,
      )
      expect(code).toBe(0)
      expect(output.length).toBeLessThanOrEqual(4_096)
    })

    test('exec() ends a command that takes too long, with all it has started', async () => {
      const replica = await run('exec sleep 1000')
      const command = ['sh', '-c', 'sleep 4321 & sleep 4321; :']
      expect(await driver.exec(replica, command, 700)).toEqual({
        ...{ code: 124, output: 'took longer than 700 ms' },
      })
      await until(async () => (await running(4_321)) === 0)
      expect(await running(1_000)).toBeGreaterThan(0)
    })

    test('exec() says that a program is not there', async () => {
      const replica = await run('exec sleep 1000')
      const { code } = await driver.exec(replica, ['/no/such'], 10_000)
      expect([126, 127]).toContain(code)
    })

    test('exec() rejects for a replica that has ended, and for one that never was', async () => {
      const replica = await run('exit 0')
      await until(async () => (await driver.list()).ended.some((one) => one.replica === replica))
      await expect(driver.exec(replica, ['true'], 5_000)).rejects.toThrow(/is not running/)
      await expect(driver.exec('nobody', ['true'], 5_000)).rejects.toMatchObject({ status: 404 })
    })

    test('logs() tells each line with its stream and time, also after the end', async () => {
      const before = systemClock.nowMs() - 5_000
      const replica = await run('echo first; echo second >&2; printf third')
      const seen = await linesOf(driver.logs(replica, { follow: true }, never))
      expect(seen.map(({ stream, text }) => `${stream} ${text}`).sort()).toEqual([
        ...['stderr second', 'stdout first', 'stdout third'],
      ])
      expect(seen.every(({ atMs = 0 }) => atMs > before)).toBe(true)
      const last = await linesOf(driver.logs(replica, { follow: false, tail: 1 }, never))
      expect(last).toHaveLength(1)
      const later = { follow: false, sinceMs: systemClock.nowMs() + 60_000 }
      expect(await linesOf(driver.logs(replica, later, never))).toEqual([])
    })

    test('logs() cuts a line without end into parts, and loses nothing of it', async () => {
      const replica = await run("head -c 200000 /dev/zero | tr '\\0' 'x'; echo; echo next")
      const seen = await linesOf(driver.logs(replica, { follow: true }, never))
      expect(seen.at(-1)?.text).toBe('next')
      const parts = seen.slice(0, -1).map(({ text }) => text)
      expect(parts.map((part) => part.length)).toEqual([65_536, 65_536, 65_536, 3_392])
      expect(new Set(parts.join(''))).toEqual(new Set('x'))
    })

    test('logs() follows until it is given up, and closes the stream then', async () => {
      const replica = await run('while :; do echo tick; sleep 0.1; done')
      const giving = new AbortController()
      let ticks = 0
      for await (const { text } of driver.logs(replica, { follow: true }, giving.signal)) {
        expect(text).toBe('tick')
        ticks += 1
        if (ticks === 3) giving.abort()
      }
      expect(ticks).toBeGreaterThanOrEqual(3)
    })

    test('open() passes input on, ends it, and answers output and code', async () => {
      const replica = await run('exec sleep 1000')
      const command = ['sh', '-c', 'cat; echo over >&2; exit 5']
      const session = await driver.open(replica, { command }, never)
      await session.write(Buffer.from('hello '))
      await session.write(Buffer.from('world\n'))
      session.endInput()
      const streams: string[] = []
      for await (const { stream, bytes } of session.output) {
        streams.push(`${stream} ${Buffer.from(bytes).toString('utf8')}`)
      }
      expect(streams.sort()).toEqual(['stderr over\n', 'stdout hello world\n'])
      expect(await session.exited).toBe(5)
    })

    test('open() gives a terminal of the size that was asked for, and changes it', async () => {
      const replica = await run('exec sleep 1000')
      const terminal = { columns: 90, rows: 30 }
      const session = await driver.open(replica, { command: ['sh'], terminal }, never)
      const text = textOf(session)
      await session.write(Buffer.from('stty size\n'))
      await session.resize({ columns: 120, rows: 40 })
      await session.write(Buffer.from('stty size; exit 6\n'))
      expect(await text).toMatch(/40 120/)
      expect(await session.exited).toBe(6)
    })

    test('open() hands over much output, and ends its command when it is closed', async () => {
      const replica = await run('exec sleep 1000')
      const command = ['sh', '-c', 'head -c 3000000 /dev/zero; exec sleep 5432']
      const session = await driver.open(replica, { command }, never)
      let bytes = 0
      for await (const chunk of session.output) {
        bytes += chunk.bytes.length
        if (bytes === 3_000_000) session.close()
      }
      expect(bytes).toBe(3_000_000)
      await until(async () => (await running(5_432)) === 0)
    })

    test('open() ends its command when it is closed or given up', async () => {
      const replica = await run('exec sleep 1000')
      const giving = new AbortController()
      const command = ['sh', '-c', 'sleep 6543; :']
      const one = await driver.open(replica, { command }, never)
      const other = await driver.open(replica, { command }, giving.signal)
      await until(async () => (await running(6_543)) >= 2)
      one.close()
      giving.abort()
      await until(async () => (await running(6_543)) === 0)
      expect(await Promise.all([one.exited, other.exited])).toEqual([137, 137])
    })
  },
)
