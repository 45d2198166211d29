import { describe, expect, test } from 'vitest'
import { systemClock } from '../../../shared/clock.ts'
import { fragmentOf } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { subjectRows } from '../../wire/support/subject.ts'
import { FINE, probe, replicaSaying, startProxy } from './bad-day.ts'

const HOUR_MS = 3_600_000

describe.each(subjectRows)('the proxy on %s', (_, subject) => {
  test('answers 503 with the reason until a routing table arrives, then serves', async () => {
    const proxy = await startProxy(subject, { fragments: [], unpublished: true })
    expect(await probe(proxy.port)).toMatchObject({
      status: 503,
      reason: expect.stringMatching(/^[A-Z_]+$/),
      retryAfter: '1',
    })
    proxy.publish([fragmentOf('web', [await replicaSaying(() => FINE)])])
    expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
  })

  test('answers 404 when the table is empty, and serves when it is filled', async () => {
    const proxy = await startProxy(subject, { fragments: [] })
    expect((await probe(proxy.port)).status).toBe(404)
    proxy.publish([fragmentOf('web', [await replicaSaying(() => FINE)])])
    expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
  })

  test('answers 503 with the reason when a service has no replica', async () => {
    const absence = '"web" is at zero'
    const fragments = [fragmentOf('web', [], { absence })]
    const proxy = await startProxy(subject, { fragments })
    const answer = await probe(proxy.port)
    expect(answer).toMatchObject({ status: 503, retryAfter: '1' })
    expect(answer.reason).toMatch(/^[A-Z_]+$/)
    expect(JSON.parse(answer.body).error.message).toContain(absence)
  })

  test('lets requests wait for a replica that comes, and serves them when it is there', async () => {
    const coming = fragmentOf('web', [], { comes: true })
    const proxy = await startProxy(subject, { fragments: [coming] })
    const waiting = Array.from({ length: 20 }, () => probe(proxy.port))
    await until(() => [...proxy.traffic.queued.values()].some((count) => count === 20))
    proxy.publish([fragmentOf('web', [await replicaSaying(() => FINE)])])
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(200)
  })

  test('lets nobody wait for ever for a replica that does not come', async () => {
    const coming = fragmentOf('web', [], { comes: true })
    const flags = ['--wait-first-max', '300ms']
    const proxy = await startProxy(subject, { fragments: [coming], flags })
    const answer = await probe(proxy.port)
    expect(answer).toMatchObject({ status: 503, reason: expect.stringMatching(/^[A-Z_]+$/) })
  })

  test('refuses what is more than may wait, at once and with the reason', async () => {
    const coming = fragmentOf('web', [], { comes: true })
    const flags = ['--waiting-max', '5', '--wait-first-max', '1s']
    const proxy = await startProxy(subject, { fragments: [coming], flags })
    const answers = await Promise.all(Array.from({ length: 30 }, () => probe(proxy.port)))
    for (const { status, reason } of answers) {
      expect(status).toBe(503)
      expect(reason).toMatch(/^[A-Z_]+$/)
    }
    expect(proxy.traffic.queued.size).toBe(0)
  })

  test('serves on a table from before its start while the master is away for an hour', async () => {
    let skewMs = 0
    const nowMs = (): number => systemClock.nowMs() + skewMs
    const fragments = [fragmentOf('web', [await replicaSaying(() => FINE)])]
    const proxy = await startProxy(subject, { fragments: [], unpublished: true, nowMs })
    proxy.traffic.restore({ epoch: 3, revision: { epoch: 3, seq: 9 }, fragments })
    for (let minutes = 0; minutes < 60; minutes += 10) {
      expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
      skewMs += HOUR_MS / 6
    }
    expect(await probe(proxy.port)).toMatchObject({ status: 200, body: 'fine' })
    expect(proxy.traffic.table.stale).toBe(true)
    await until(() => proxy.inFlight() === 0)
  })
})
