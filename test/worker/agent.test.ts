import { describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { assignedReplica } from './support/assigned.ts'
import { end, HTTP, live, pidsIn } from './support/life.ts'
import { scratch } from './support/scratch.ts'
import { TinyMaster } from './support/tiny-master.ts'

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
