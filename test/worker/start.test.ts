import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import { assignedReplica, node } from './support/assigned.ts'
import { end, HTTP, live, pidsIn } from './support/life.ts'
import { scratch } from './support/scratch.ts'
import { TinyMaster } from './support/tiny-master.ts'

describe('runWorker() joins', () => {
  test('under its name, and proves the next time that it is the same node', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const first = live(master, data)
    await until(() => master.beats.length > 0)
    master.refusals.set('leave', { status: 503, code: 'BUSY' })
    first.leave()
    await first.ended
    master.refusals.clear()
    live(master, data)
    await until(() => master.joins.length === 2)
    expect(master.joins[0]).toMatchObject({ name: 'w1', driver: 'process' })
    expect(master.joins.map(({ secret }) => secret)).toEqual([undefined, 'secret-1'])
  })

  test('as a stranger after its node was removed: what proved it is worth nothing any more', async () => {
    const master = await TinyMaster.start()
    const data = await scratch()
    const first = live(master, data)
    await until(() => master.beats.length > 0)
    master.refusals.set('heartbeat', { status: 410, code: 'GONE' })
    await first.ended
    master.refusals.clear()
    live(master, data)
    await until(() => master.joins.length === 2)
    expect(master.joins.map(({ secret }) => secret)).toEqual([undefined, undefined])
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
