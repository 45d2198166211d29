import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Driver, Found, News, StartOrder } from '../../worker/drivers/driver.ts'
import { LocalReplicas } from '../../worker/local-replicas.ts'
import { Ports } from '../../worker/ports.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'
import { assignedReplica } from './support/assigned.ts'
import { RecordedLog } from './support/recorded-log.ts'

const LIMITS = {
  ...{ backoffMs: 1_000, backoffMaxMs: 60_000, calmAfterMs: 60_000, failedStartsMax: 3 },
  ...{ startDeadlineMs: 60_000, stopGraceMaxMs: 60_000 },
}
const EMPTY: Found = { running: [], ended: [] }
const assigned = assignedReplica()
const running = { replica: 'r1', port: 20_005, handle: 'h1', startedAtMs: 1, assigned }

/** A worker whose runtime lists nothing before it is `back`. */
async function worker() {
  const directory = await mkdtemp(join(tmpdir(), 'adoption-'))
  const [log, clock, calls] = [new RecordedLog(), new FakeClock(), [] as string[]]
  let there: Found | undefined
  let tell: (news: News) => void = () => undefined
  const driver: Driver = {
    ...({ name: 'docker', storage: undefined, trouble: undefined } as const),
    capacity: async () => ({ cpus: 1, memoryMb: 1 }),
    start: async ({ assigned, port }: StartOrder) => {
      calls.push(`start ${assigned.replica}`)
      return { replica: assigned.replica, port, handle: 'new', startedAtMs: 2, assigned }
    },
    stop: async (replica) => void calls.push(`stop ${replica}`),
    list: async () => {
      if (there === undefined) throw new Error('Cannot list containers: nobody listens there')
      return there
    },
    watch: (hear, signal) => {
      tell = hear
      return clock.sleep(Number.POSITIVE_INFINITY, signal)
    },
    stats: async () => undefined,
    opinion: () => ({ kind: 'none' }),
    exec: () => Promise.reject(new Error('nobody asked for it')),
    open: () => Promise.reject(new Error('nobody asked for it')),
    logs: () => {
      throw new Error('nobody asked for it')
    },
    close: async () => undefined,
  }
  const replicas = new LocalReplicas({
    ...{ driver, clock, log, limits: LIMITS, host: () => '127.0.0.1', onChange: () => undefined },
    ports: await Ports.load({ first: 20_000, last: 20_010 }, directory, log),
    progress: { tell: () => undefined, ended: () => undefined },
    recall: () => undefined,
  })
  const ending = new AbortController()
  await replicas.adopt()
  const run = replicas.run(ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await run
    await rm(directory, { recursive: true })
  })
  const back = (found: Found): void => {
    there = found
    tell({ kind: 'missed' })
  }
  return { replicas, calls, back, clock, report: () => replicas.reports.get('r1') }
}

test('LocalReplicas adopts what ran on while its runtime was away, also when it was wanted before', async () => {
  const one = await worker()
  one.replicas.assume([assigned])
  const revised = { ...assigned, draining: true }
  one.replicas.obey([revised])
  await one.clock.advance(1_000)
  expect(one.calls).toEqual([])
  one.back({ running: [running], ended: [] })
  await until(() => one.report()?.phase.kind === 'serving')
  await one.clock.advance(1_000)
  expect(one.report()).toMatchObject({ handle: 'h1', port: 20_005, restarts: 0 })
  expect([...one.replicas.all].map((each) => each.assigned)).toEqual([revised])
  expect(one.calls).toEqual([])
})

test('LocalReplicas counts an end while its runtime was away as a death, and starts it again', async () => {
  const one = await worker()
  one.replicas.obey([assigned])
  const reason = 'ended as the Docker Engine stopped'
  one.back({ running: [], ended: [{ replica: 'r1', handle: 'h1', assigned, reason }] })
  await until(() => one.report()?.phase.kind === 'waiting')
  expect(one.report()?.phase).toMatchObject({ reason: expect.stringContaining(reason) })
  expect(one.calls).toEqual([])
  await one.clock.advance(2_000)
  await until(() => one.report()?.phase.kind === 'serving')
  expect(one.report()).toMatchObject({ handle: 'new', restarts: 1 })
  expect(one.calls).toEqual(['start r1'])
})

test('LocalReplicas starts what its runtime does not have once that answers', async () => {
  const one = await worker()
  one.replicas.obey([assigned])
  await one.clock.advance(1_000)
  expect(one.calls).toEqual([])
  one.back(EMPTY)
  await until(async () => {
    await one.clock.advance(250)
    return one.report()?.phase.kind === 'serving'
  })
  expect(one.calls).toEqual(['start r1'])
})
