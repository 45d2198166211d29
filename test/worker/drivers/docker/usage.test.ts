import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../../../shared/clock.ts'
import type { Engine, Stream } from '../../../../worker/drivers/docker/engine.ts'
import { createUsage, type Usage } from '../../../../worker/drivers/docker/usage.ts'
import type { ReplicaStats } from '../../../../worker/drivers/driver.ts'
import { FakeClock } from '../../../support/fake-clock.ts'
import { hasLab } from '../../../support/lab-needs.ts'
import { until } from '../../../support/until.ts'
import { RecordedLog } from '../../support/recorded-log.ts'
import { scratch } from '../../support/scratch.ts'
import { type Container, ImageDesk } from './image-desk.ts'

const ID = '0123456789abcdef'.repeat(4)
const HELD_MB = 40
const BUSY = `head -c ${HELD_MB * 1_048_576} /dev/zero > /dev/shm/held; while :; do :; done`

describe.runIf(hasLab('the use of real containers'))('usage of real containers', () => {
  let desk: ImageDesk
  let busy: Container
  const streams: Stream[] = []
  const usages: Usage[] = []

  beforeAll(async () => {
    desk = await ImageDesk.open({ engineFlags: ['--live-restore'] })
    await desk.make('box:1', 1)
    busy = await desk.run('box:1', BUSY)
  })

  afterEach(() => {
    for (const usage of usages.splice(0)) usage.close()
    streams.splice(0)
  })

  afterAll(() => desk.close())

  function measure(): Usage {
    const counted: Pick<Engine, 'stream'> = {
      stream: async (what, ask, options) => {
        const stream = await desk.engine.stream(what, ask, options)
        streams.push(stream)
        return stream
      },
    }
    const usage = createUsage({ engine: counted, clock: systemClock, log: new RecordedLog() })
    usages.push(usage)
    return usage
  }

  test('of() says the same by the kernel and by the engine', async () => {
    const usage = measure()
    usage.attach('kernel', { id: busy.id, pid: busy.outside })
    // Here this number is another process: its files must not be believed.
    usage.attach('engine', { id: busy.id, pid: busy.inside })
    await until(
      async () => {
        const [kernel, engine] = [await usage.of('kernel'), await usage.of('engine')]
        return kernel !== undefined && engine !== undefined && areAlike(kernel, engine)
      },
      { everyMs: 500 },
    )
    const [kernel, engine] = [await usage.of('kernel'), await usage.of('engine')]
    expect(kernel?.memoryMb).toBeGreaterThan(HELD_MB)
    expect(Object.keys(kernel ?? {}).sort()).toEqual(Object.keys(engine ?? {}).sort())
    expect(kernel).toHaveProperty('networkInBytes')
    expect(kernel).toHaveProperty('diskWriteBytes')
    expect(streams).toHaveLength(1)
  })

  test('detach() ends the stream, and a second question opens no second one', async () => {
    const usage = measure()
    usage.attach('engine', { id: busy.id, pid: busy.inside })
    await until(() => usage.of('engine'))
    usage.attach('engine', { id: busy.id, pid: busy.inside })
    await Promise.all([usage.of('engine'), usage.of('engine')])
    expect(streams).toHaveLength(1)
    usage.detach('engine')
    await until(() => (streams[0] as Readable).destroyed)
    expect(await usage.of('engine')).toBeUndefined()
    usage.detach('engine')
  })

  test('of() knows nothing of a container that ended', async () => {
    const usage = measure()
    const brief = await desk.run('box:1', 'sleep 600')
    usage.attach('kernel', { id: brief.id, pid: brief.outside })
    usage.attach('engine', { id: brief.id, pid: brief.inside })
    await until(async () => (await usage.of('kernel')) && (await usage.of('engine')))
    await desk.host.docker(['rm', '--force', brief.id])
    await until(async () => (await usage.of('kernel')) === undefined)
    await until(async () => (await usage.of('engine')) === undefined)
    expect(await usage.of('nobody')).toBeUndefined()
  })

  test('of() knows nothing while the engine is away, and more when it is back', async () => {
    const usage = measure()
    usage.attach('engine', { id: busy.id, pid: busy.inside })
    await until(() => usage.of('engine'))
    await desk.lab.faults.killEngine(desk.host)
    await until(async () => (await usage.of('engine')) === undefined)
    await desk.lab.faults.startEngine(desk.host)
    await until(() => usage.of('engine'), { timeoutMs: 40_000 })
  })
})

/** What a machine with the second version of control groups has shown. */
const SECOND: Readonly<Record<string, string>> = {
  'proc/42/cgroup': `0::/system.slice/docker-${ID}.scope\n`,
  'proc/42/net/dev': `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:    1536      14    0    0    0     0          0         0      726       9    0    0    0     0       0          0
`,
  'cgroup/cpu.stat': 'usage_usec 4000000\nuser_usec 3000000\nsystem_usec 1000000\n',
  'cgroup/memory.current': '12582912\n',
  'cgroup/memory.stat': 'anon 8388608\nfile 4194304\ninactive_anon 0\ninactive_file 2097152\n',
  'cgroup/io.stat': '8:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n',
}

describe('usage by files of the second version', () => {
  async function machine() {
    const folder = await scratch()
    const path = (name: string): string =>
      join(folder, name.replace(/^cgroup/, `cgroup/system.slice/docker-${ID}.scope`))
    const write = async (name: string, text: string): Promise<void> => {
      await mkdir(dirname(path(name)), { recursive: true })
      await writeFile(path(name), text)
    }
    for (const [name, text] of Object.entries(SECOND)) await write(name, text)
    const clock = new FakeClock()
    const engine: Pick<Engine, 'stream'> = {
      stream: () => Promise.reject(new Error('the engine must not be asked')),
    }
    const folders = { proc: join(folder, 'proc'), cgroup: join(folder, 'cgroup') }
    const log = new RecordedLog()
    const usage = createUsage({ engine, clock, log, folders })
    usage.attach('one', { id: ID, pid: 42 })
    await usage.of('one')
    return { usage, clock, write, log, remove: (name: string) => rm(path(name)) }
  }

  test('of() is what was used between two questions', async () => {
    const { usage, clock, write } = await machine()
    expect(await usage.of('one')).toBeUndefined()
    await clock.advance(2_000)
    await write('cgroup/cpu.stat', 'usage_usec 7000000\n')
    const figures = {
      ...{ cpuPercent: 150, memoryMb: 10, networkInBytes: 1_536, networkOutBytes: 726 },
      ...{ diskReadBytes: 4_096, diskWriteBytes: 8_192 },
    }
    expect(await usage.of('one')).toEqual(figures)
    // Two questions at once are one look.
    expect(await usage.of('one')).toEqual(figures)
    await clock.advance(1_000)
    expect(await usage.of('one')).toEqual({ ...figures, cpuPercent: 0 })
  })

  test('of() leaves out what the kernel does not count', async () => {
    const { usage, clock, remove } = await machine()
    await remove('cgroup/io.stat')
    await remove('proc/42/net/dev')
    await clock.advance(1_000)
    expect(await usage.of('one')).toEqual({ cpuPercent: 0, memoryMb: 10 })
  })

  test('of() knows nothing when the number is another process by now', async () => {
    const { usage, clock, write, log } = await machine()
    await write('proc/42/cgroup', '0::/user.slice/session-1.scope\n')
    await clock.advance(1_000)
    expect(await usage.of('one')).toBeUndefined()
    expect(log.lines).toEqual([])
    usage.close()
    expect(await usage.of('one')).toBeUndefined()
  })

  test('attach() begins anew with another container', async () => {
    const { usage, clock } = await machine()
    usage.attach('one', { id: ID, pid: 42 })
    await clock.advance(1_000)
    expect(await usage.of('one')).toBeDefined()
    usage.attach('one', { id: 'f'.repeat(64), pid: 42 })
    expect(await usage.of('one')).toBeUndefined()
  })
})

/** Both are looks at the same load, at other moments. */
function areAlike(one: ReplicaStats, other: ReplicaStats): boolean {
  const near = (a: number, b: number): boolean => a > 0 && b > 0 && a <= 2 * b && b <= 2 * a
  return near(one.cpuPercent, other.cpuPercent) && near(one.memoryMb, other.memoryMb)
}
