import { get, type IncomingMessage } from 'node:http'
import { describe, expect, test } from 'vitest'
import type { Answering } from '../../../shared/stream-mux.ts'
import { until } from '../../support/until.ts'
import { added } from '../../support/worlds.ts'
import { begin, line, logs, printing, REPLICA, work, world } from './fixture.ts'

describe('GET /v1/replicas/:id/logs', () => {
  test('answers what the worker tells, a line of JSON each, with its replica', async () => {
    const lines = [
      { stream: 'stdout', text: 'one' },
      { stream: 'stderr', atMs: 1_700_000_000_000, text: 'é"' },
    ]
    const { asked } = await work(await begin(), printing(...lines))
    const { status, headers, body } = await logs('?tail=7&since=5.5')
    expect([status, headers.get('content-type')]).toEqual([
      200,
      'application/x-ndjson; charset=utf-8',
    ])
    const seen = String(body).trim().split('\n')
    const told = seen.map((each) => JSON.parse(each))
    expect(told).toEqual(lines.map((each) => ({ replica: REPLICA, ...each })))
    const wanted = { kind: 'logs', replica: REPLICA, follow: false, tail: 7, sinceMs: 5.5 }
    expect(asked[0]?.request).toEqual(wanted)
  })

  test('finds a replica by the beginning of its id, and one that is gone', async () => {
    const { asked } = await work(await begin(), printing({ stream: 'stdout', text: 'last words' }))
    expect((await world.call('GET', '/v1/replicas/r123/logs')).body).toContain('last words')
    await world.apply({ kind: 'replica-removed', replica: REPLICA })
    expect((await world.call('GET', '/v1/replicas/r123/logs')).body).toContain('last words')
    expect(asked.map(({ request }) => request)).toMatchObject(Array(2).fill({ replica: REPLICA }))
  })

  test('says that the worker is not connected', async () => {
    await begin()
    const { status, body } = await logs()
    expect(status).toBe(503)
    expect(body.error.message).toBe(
      'Cannot show the output of web/r1234567: worker w1 is not connected',
    )
  })

  test('says that a replica without a node has nothing to show', async () => {
    await begin()
    await world.apply(added('r9999', 'web'))
    const { status, body } = await world.call('GET', '/v1/replicas/r9999/logs')
    expect([status, body.error.code]).toEqual([409, 'PENDING'])
    expect((await world.call('GET', '/v1/replicas/nobody/logs')).status).toBe(404)
  })

  test.each(['?tail=-1', '?tail=x', '?since=soon', '?follow=maybe', '?what=1'])(
    'refuses %s',
    async (query) => {
      await begin()
      expect((await logs(query)).status).toBe(422)
    },
  )

  test('passes on the refusal of the worker', async () => {
    await work(await begin(), ({ stream }) => {
      stream.end({ kind: 'failed', status: 404, code: 'NOT_FOUND', message: 'Cannot find it' })
    })
    const { status, body } = await logs()
    expect([status, body.error]).toEqual([404, { code: 'NOT_FOUND', message: 'Cannot find it' }])
  })

  test('gives up on a worker that does not answer', async () => {
    const { asked } = await work(await begin({ openMsMax: 50 }))
    const { status, body } = await logs()
    expect([status, body.error.message]).toEqual([
      504,
      'Cannot show the output of web/r1234567: worker w1 does not answer',
    ])
    await until(() => asked[0]?.stream.signal.aborted)
  })

  const lost = 'Cannot go on: the connection to worker w1 was lost'
  test.each([
    { what: 'is lost', act: (worker: { close(): void }) => worker.close(), says: lost },
    {
      what: 'tells nonsense',
      act: (_: unknown, stream: Answering) => stream.write('stdout', Buffer.from('{}\n')),
      says: 'Cannot read what the worker sent',
    },
  ])('ends with a line that says so when the worker $what', async ({ act, says }) => {
    const worker = await work(await begin(), ({ stream }) => stream.accept())
    const reading = logs('?follow=true')
    const stream = await until(() => worker.asked[0]?.stream)
    await stream.write('stdout', line({ stream: 'stdout', text: 'one' }))
    await act(worker, stream)
    const last =
      String((await reading).body)
        .trim()
        .split('\n')
        .at(-1) ?? ''
    expect(JSON.parse(last).error.message).toContain(says)
  })

  test('stops asking when its client goes away', async () => {
    const { asked } = await work(await begin(), ({ stream }) => stream.accept())
    const leaving = new AbortController()
    const url = `${world.url}/v1/replicas/${REPLICA}/logs?follow=true`
    await fetch(url, { signal: leaving.signal })
    leaving.abort()
    await until(() => asked[0]?.stream.signal.aborted)
  })

  test('asks no more of the worker than its client takes', async () => {
    let told = 0
    await work(await begin(), async ({ stream }) => {
      stream.accept()
      const padding = 'x'.repeat(1_000)
      for (; !stream.signal.aborted; told += 1) {
        await stream.write('stdout', line({ stream: 'stdout', text: `${told} ${padding}` }))
      }
    })
    const url = `${world.url}/v1/replicas/${REPLICA}/logs?follow=true`
    const response = await new Promise<IncomingMessage>((resolve) => get(url, resolve))
    response.on('error', () => undefined)
    response.pause()
    let before = -1
    await until(
      () => {
        const isStill = told === before && told > 0
        before = told
        return isStill
      },
      { everyMs: 200 },
    )
    // What the sockets between hold is the system's; the master's part is a window and little more.
    expect(told).toBeLessThan(20_000)
    const stopped = told
    response.resume()
    await until(() => told > stopped + 1_000)
    response.destroy()
  })
})

test('GET /v1/replicas/:id/progress answers how far its start is', async () => {
  const progress = { text: 'pulling web', doneBytes: 1, totalBytes: 2 }
  const { asked } = await work(await begin(), printing(progress))
  const { body } = await world.call('GET', `/v1/replicas/${REPLICA}/progress`)
  expect(JSON.parse(body)).toEqual({ replica: REPLICA, ...progress })
  expect(asked[0]?.request).toEqual({ kind: 'progress', replica: REPLICA })
})
