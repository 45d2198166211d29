import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { assignedReplica } from './support/assigned.ts'
import { end, HTTP, live, pidsIn } from './support/life.ts'
import { scratch } from './support/scratch.ts'
import { TinyMaster } from './support/tiny-master.ts'

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
