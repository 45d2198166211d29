import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { WIRE_VERSION } from '../../../shared/protocol.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { until } from '../../support/until.ts'
import { added, applied, specNamed } from '../../support/worlds.ts'
import { ApiWorld, type WorldShape } from './api-world.ts'

let world: ApiWorld | undefined
afterEach(async () => {
  await world?.stop()
  world = undefined
})

async function start(shape: WorldShape = {}): Promise<ApiWorld> {
  world = await ApiWorld.start(shape)
  return world
}

test('assignments wait for the next change of this node', async () => {
  const api = await start()
  const node = await api.join('w1')
  const ask = (after: number) => api.call('GET', `/v1/nodes/${node}/assignments?after=${after}`)
  const waiting = ask(0)
  await api.apply(applied(specNamed('web')), added('r1', 'web', { node }))
  const { status, body } = await waiting
  expect(status).toBe(200)
  expect(body).toMatchObject({ wire: WIRE_VERSION, epoch: 1, replicas: [{ replica: 'r1' }] })
  expect((await ask(body.revision - 1)).body.revision).toBe(body.revision)
})

test('a wait ends with the same answer when nothing changes', async () => {
  const api = await start({ argv: ['--long-poll', '50ms'] })
  const node = await api.join('w1')
  const { status, body } = await api.call('GET', `/v1/nodes/${node}/assignments?after=0`)
  expect([status, body.revision, body.replicas]).toEqual([200, 0, []])
  api.parts.routes.publish([])
  const routes = await api.call('GET', '/v1/routes?after=1.1')
  expect(routes.body).toMatchObject({ revision: { epoch: 1, seq: 1 }, snapshot: false })
})

test('routes without a revision are answered with the whole table', async () => {
  const api = await start()
  const waiting = api.call('GET', '/v1/routes')
  api.parts.routes.publish([])
  expect((await waiting).body).toMatchObject({ snapshot: true, fragments: [] })
  expect((await api.call('GET', '/v1/routes?after=0.7')).body.snapshot).toBe(true)
})

test('a wait ends when its client goes away', async () => {
  const api = await start({ gate: { longPollsMax: 1 } })
  const node = await api.join('w1')
  const leaving = new AbortController()
  const url = `${api.url}/v1/nodes/${node}/assignments?after=0`
  const first = fetch(url, { signal: leaving.signal })
  const second = `/v1/nodes/${node}/assignments`
  await until(async () => (await api.call('GET', second)).status === 429)
  leaving.abort()
  await expect(first).rejects.toThrow()
  await until(async () => (await api.call('GET', second)).status === 200)
})

test('waits and streams end with the master', async () => {
  const api = await start()
  const node = await api.join('w1')
  const wait = api.call('GET', `/v1/nodes/${node}/assignments?after=0`)
  const stream = await follow(api, '/v1/events')
  const ended = once(stream.response, 'end')
  api.parts.ending.abort()
  expect((await wait).status).toBe(200)
  await ended
})

interface Followed {
  readonly response: IncomingMessage
  text: string
}

async function follow(
  api: ApiWorld,
  path: string,
  headers: Record<string, string> = {},
): Promise<Followed> {
  const request = get(`${api.url}${path}`, {
    headers: { accept: 'text/event-stream', ...headers },
    agent: false,
  })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const followed: Followed = { response, text: '' }
  response.on('data', (bytes) => {
    followed.text += bytes
  })
  response.on('error', () => undefined)
  return followed
}

const idsIn = (text: string): number[] =>
  [...text.matchAll(/^id: (\d+)$/gm)].map((m) => Number(m[1]))

test('a stream tells what happens from now on, each with id, kind and entry', async () => {
  const api = await start()
  await api.join('w1')
  const stream = await follow(api, '/v1/events')
  expect(stream.response.headers['content-type']).toBe('text/event-stream')
  const revision = await api.apply(applied(specNamed('web')))
  await until(() => idsIn(stream.text).length === 1)
  expect(stream.text).toContain(`id: ${revision}\nevent: service-applied\ndata: {`)
  const data = JSON.parse(/^data: (.*)$/m.exec(stream.text)?.[1] ?? '')
  expect(data).toMatchObject({ revision, epoch: 1, change: { kind: 'service-applied' } })
  stream.response.destroy()
})

test('a stream resumes after the last id that its client saw', async () => {
  const api = await start()
  for (const name of ['a', 'b', 'c']) await api.apply(applied(specNamed(name)))
  const resumed = await follow(api, '/v1/events?after=0', { 'last-event-id': '1' })
  await until(() => idsIn(resumed.text).length === 2)
  await api.apply(applied(specNamed('d')))
  await until(() => idsIn(resumed.text).length === 3)
  expect(idsIn(resumed.text)).toEqual([2, 3, 4])
  const whole = await follow(api, '/v1/events?after=0')
  await until(() => idsIn(whole.text).length === 4)
  resumed.response.destroy()
  whole.response.destroy()
})

test('a stream from what is no longer kept, or not yet there, is refused', async () => {
  const api = await start({ snapshotEvery: 3, keepEntries: 1 })
  for (const name of ['a', 'b', 'c']) await api.apply(applied(specNamed(name)))
  const ask = (headers: Record<string, string>) =>
    api.call('GET', '/v1/events', undefined, { accept: 'text/event-stream', ...headers })
  for (const id of ['1', '99']) {
    const { status, body } = await ask({ 'last-event-id': id })
    expect([status, body.error.code]).toEqual([410, 'COMPACTED'])
  }
  expect((await ask({ 'last-event-id': 'x' })).status).toBe(422)
  const page = await api.call('GET', '/v1/events?after=0')
  expect([page.status, page.body.error.code]).toEqual([410, 'COMPACTED'])
  const latest = await api.call('GET', '/v1/events')
  expect(latest.body.events.map((entry: { revision: number }) => entry.revision)).toEqual([3])
})

test('events come in pages', async () => {
  const api = await start()
  for (const name of ['a', 'b', 'c', 'd']) await api.apply(applied(specNamed(name)))
  const page = async (query: string) => {
    const { events, revision } = (await api.call('GET', `/v1/events${query}`)).body
    return [events.map((entry: { revision: number }) => entry.revision), revision]
  }
  expect(await page('?after=1&limit=2')).toEqual([[2, 3], 4])
  expect(await page('?limit=2')).toEqual([[3, 4], 4])
  expect(await page('')).toEqual([[1, 2, 3, 4], 4])
  expect(await page('?after=9')).toEqual([[], 4])
})

test('neither form of the events tells what proves a node', async () => {
  const api = await start()
  await api.join('w1')
  const stream = await follow(api, '/v1/events?after=0')
  await until(() => idsIn(stream.text).length === 1)
  const { events } = (await api.call('GET', '/v1/events')).body
  expect(events[0].change.node).toMatchObject({ name: 'w1', secretHash: '' })
  expect(stream.text).toContain('"secretHash":""')
  stream.response.destroy()
})

test('a quiet stream beats, so that nobody takes it for dead', async () => {
  const clock = new FakeClock()
  const api = await start({ clock })
  const stream = await follow(api, '/v1/events')
  await until(() => stream.text.includes('retry: '))
  await until(() => clock.sleeping > 0)
  await clock.advance(15_000)
  await until(() => stream.text.includes('\n:\n\n'))
  stream.response.destroy()
})

test('a client that takes nothing is let go', async () => {
  const clock = new FakeClock()
  const api = await start({ clock, gate: { streamsMax: 1 } })
  const stream = await follow(api, '/v1/events')
  stream.response.pause()
  const environment = { A: 'x'.repeat(30_000) }
  const closed = once(stream.response.socket, 'close')
  for (let round = 0; round < 400; round += 1) {
    await api.apply(applied(specNamed('web', { environment }), 1, round + 1))
  }
  await until(async () => {
    await clock.advance(15_000)
    const next = await follow(api, '/v1/events')
    next.response.destroy()
    return next.response.statusCode === 200
  })
  stream.response.resume()
  await closed
})

test('no more streams are open than allowed', async () => {
  const api = await start({ gate: { streamsMax: 1 } })
  const first = await follow(api, '/v1/events')
  const second = await follow(api, '/v1/events')
  expect([first.response.statusCode, second.response.statusCode]).toEqual([200, 429])
  expect(second.response.headers['retry-after']).toBe('1')
  first.response.destroy()
  await until(async () => {
    const third = await follow(api, '/v1/events')
    third.response.destroy()
    return third.response.statusCode === 200
  })
})
