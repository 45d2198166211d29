import { get, type IncomingMessage } from 'node:http'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { createControlClient } from '../../shared/control-client.ts'
import { streamsOver } from '../../shared/stream-connection.ts'
import type { Answering, StreamMux } from '../../shared/stream-mux.ts'
import { openSocket } from '../support/socket.ts'
import { until } from '../support/until.ts'
import { added, applied, specNamed } from '../support/worlds.ts'
import { ApiWorld, type WorldShape } from './api/api-world.ts'

let world: ApiWorld
afterEach(() => world.stop())

const REPLICA = 'r1234567-89ab'
const text = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))
const line = (value: unknown): Uint8Array => Buffer.from(`${JSON.stringify(value)}\n`)

interface Asked {
  readonly request: unknown
  readonly stream: Answering
}

/** A node with one replica; its worker is whatever the test makes of it. */
async function begin(shape: WorldShape = {}): Promise<string> {
  world = await ApiWorld.start(shape)
  const node = await world.join('w1')
  await world.apply(applied(specNamed('web')), added(REPLICA, 'web', { node }))
  return node
}

/** A worker as the master sees it: the real client, the real frames, and the test's answers. */
async function work(
  node: string,
  serve: (asked: Asked) => void | Promise<void> = () => undefined,
): Promise<{ asked: Asked[]; closed: Promise<string>; close(): void }> {
  const client = createControlClient({ masters: [world.url] })
  onTestFinished(() => client.close())
  const socket = await client.connect(`/v1/nodes/${node}/streams`)
  onTestFinished(() => socket.close('the test ends'))
  const asked: Asked[] = []
  streamsOver(socket, {
    lost: () => 'Cannot go on: the master is gone',
    onOpen: (request, stream) => {
      asked.push({ request, stream })
      // What a stream that is over does not take is of no interest here.
      Promise.resolve(serve({ request, stream })).catch(() => undefined)
    },
  })
  return { asked, closed: socket.closed, close: () => socket.close('the worker ends') }
}

const logs = (query = '') => world.call('GET', `/v1/replicas/${REPLICA}/logs${query}`)

function printing(...lines: readonly unknown[]) {
  return async ({ stream }: Asked): Promise<void> => {
    stream.accept()
    for (const one of lines) await stream.write('stdout', line(one))
    stream.end({ kind: 'done' })
  }
}

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

interface Talk {
  readonly mux: StreamMux
  readonly stream: Answering
  readonly closed: Promise<string>
}

/** A client that runs a command, as the command line does it. */
async function talk(first: string): Promise<Talk> {
  const client = createControlClient({ masters: [world.url] })
  onTestFinished(() => client.close())
  const socket = await client.connect(`/v1/replicas/${REPLICA}/exec`)
  onTestFinished(() => socket.close('the test ends'))
  socket.send(first)
  const mux = streamsOver(socket, { lost: (reason) => `Cannot go on: ${reason}` })
  return { mux, stream: mux.attach(1), closed: socket.closed }
}

const ORDER = JSON.stringify({ command: ['login', '--password', 'secret'] })

describe('GET /v1/replicas/:id/exec', () => {
  test('carries a command between client and worker, and logs who ran what, without its words', async () => {
    const { asked } = await work(await begin(), ({ stream }) => stream.accept())
    const { stream } = await talk(ORDER)
    await stream.opened
    const worker = asked[0]?.stream
    expect(asked[0]?.request).toEqual({
      ...{ kind: 'exec', replica: REPLICA },
      command: ['login', '--password', 'secret'],
    })
    await stream.write('input', Buffer.from('question'))
    await stream.write('resize', text({ columns: 10, rows: 5 }))
    stream.endInput()
    const heard: string[] = []
    for await (const { channel, bytes } of worker?.chunks ?? [])
      heard.push(`${channel} ${Buffer.from(bytes)}`)
    expect(heard).toEqual(['input question', 'resize {"columns":10,"rows":5}'])
    await worker?.write('stdout', Buffer.from('out'))
    await worker?.write('stderr', Buffer.from('err'))
    worker?.end({ kind: 'done', code: 7 })
    const said: string[] = []
    for await (const { channel, bytes } of stream.chunks)
      said.push(`${channel} ${Buffer.from(bytes)}`)
    expect(said).toEqual(['stdout out', 'stderr err'])
    expect(await stream.outcome).toEqual({ kind: 'done', code: 7 })
    const logged = world.parts.logged.join('\n')
    expect(logged).toContain('"program":"login"')
    expect(logged).toContain('admin at 127.0.0.1')
    expect(logged).not.toContain('secret')
  })

  test('ends with the refusal of the worker', async () => {
    await work(await begin(), ({ stream }) => {
      stream.end({ kind: 'failed', status: 422, code: 'NO_TERMINAL', message: 'Cannot open one' })
    })
    const { stream } = await talk(ORDER)
    await expect(stream.opened).rejects.toMatchObject({ status: 422, code: 'NO_TERMINAL' })
  })

  const wrong = ['nonsense', '{}', '{"command":[]}', '{"command":"ls"}', '{"command":[1]}']
  test.each(wrong)('refuses the order %s', async (first) => {
    await work(await begin(), ({ stream }) => stream.accept())
    const { stream, closed } = await talk(first)
    await expect(stream.opened).rejects.toMatchObject({ status: 422 })
    expect(await closed).toBe('the command has ended')
  })

  test('ends the command when the client leaves', async () => {
    const { asked } = await work(await begin(), ({ stream }) => stream.accept())
    const { stream } = await talk(ORDER)
    await stream.opened
    stream.cancel()
    await until(() => asked[0]?.stream.signal.aborted)
  })

  test('ends with a sentence when the worker is lost', async () => {
    const worker = await work(await begin(), ({ stream }) => stream.accept())
    const { stream } = await talk(ORDER)
    await stream.opened
    worker.close()
    expect(await stream.outcome).toMatchObject({
      code: 'CONNECTION_LOST',
      message: 'Cannot go on: the connection to worker w1 was lost',
    })
  })

  const exec = (headers: Record<string, string>) =>
    openSocket(`${world.url}/v1/replicas/${REPLICA}/exec`, { headers })

  test('is refused before it begins: strangers, viewers, pages of others, absent workers', async () => {
    const node = await begin()
    await expect(exec(world.as('none'))).rejects.toThrow('401')
    await expect(exec(world.as('viewer'))).rejects.toThrow('403')
    await expect(exec(world.as('node', node))).rejects.toThrow('403')
    await expect(exec({ origin: 'http://evil.example' })).rejects.toThrow('FOREIGN_ORIGIN')
    await expect(exec({ origin: 'null' })).rejects.toThrow('FOREIGN_ORIGIN')
    await expect(exec({})).rejects.toThrow('worker w1 is not connected')
    const { status, headers } = await world.call('GET', `/v1/replicas/${REPLICA}/exec`)
    expect([status, headers.get('upgrade')]).toEqual([426, 'websocket'])
  })

  test('is open to operators and to pages of the master itself', async () => {
    await work(await begin())
    await exec(world.as('operator'))
    await exec({ origin: world.url })
  })

  test('is the first to be refused when there is too much', async () => {
    await work(await begin({ gate: { streamsMax: 1 } }))
    const first = await exec({})
    await expect(exec({})).rejects.toThrow('429')
    first.terminate()
    await until(() => exec({}))
  })

  test('is closed when the master ends', async () => {
    const worker = await work(await begin(), ({ stream }) => stream.accept())
    const { stream, closed } = await talk(ORDER)
    await stream.opened
    world.parts.ending.abort()
    expect(await closed).toBe('the master ends')
    expect(await worker.closed).toBe('the master ends')
  })
})

describe('GET /v1/nodes/:id/streams', () => {
  const connect = (node: string, headers: Record<string, string> = {}) =>
    openSocket(`${world.url}/v1/nodes/${node}/streams`, { headers })

  test('is for the node itself, one that has joined', async () => {
    const node = await begin()
    await connect(node, world.as('node', node))
    await expect(connect(node, world.as('node', 'another'))).rejects.toThrow('403')
    await expect(connect(node, world.as('operator'))).rejects.toThrow('403')
    await expect(connect(node, world.as('none'))).rejects.toThrow('401')
    await expect(connect('stranger')).rejects.toThrow('404')
    await expect(connect('%ff')).rejects.toThrow('400')
  })

  test('counts the newest connection of a worker', async () => {
    const node = await begin()
    const older = await work(node)
    await work(node, printing({ stream: 'stdout', text: 'from the newer one' }))
    expect(await older.closed).toBe('the worker has connected anew')
    expect((await logs()).body).toContain('from the newer one')
  })

  test('ends with the node', async () => {
    const node = await begin()
    const worker = await work(node)
    await world.apply({ kind: 'node-removed', node })
    expect(await worker.closed).toBe('the node was removed')
    await expect(connect(node)).rejects.toThrow('410')
  })

  test('is closed to a worker that sends what is no frame', async () => {
    const socket = await connect(await begin())
    const closed = new Promise((resolve) => {
      socket.once('close', (_code, reason) => resolve(reason.toString()))
    })
    socket.send(Buffer.of(99, 0, 0, 0, 1))
    expect(await closed).toBe('its kind 99 is unknown')
    expect((await logs()).status).toBe(503)
  })

  test('refuses to upgrade to anything but a WebSocket, and where there is none', async () => {
    await begin()
    await expect(openSocket(`${world.url}/v1/nodes`)).rejects.toThrow('404')
    const headers = { connection: 'upgrade', upgrade: 'h2c' }
    const response = await new Promise<IncomingMessage>((resolve) =>
      get(`${world.url}/v1/nodes`, { headers }, resolve),
    )
    expect(response.statusCode).toBe(400)
    response.resume()
  })
})
