import { get, type IncomingMessage } from 'node:http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createControlClient } from '../../../shared/control-client.ts'
import { streamsOver } from '../../../shared/stream-connection.ts'
import type { Answering, StreamMux } from '../../../shared/stream-mux.ts'
import { openSocket } from '../../support/socket.ts'
import { until } from '../../support/until.ts'
import { begin, logs, printing, REPLICA, work, world } from './fixture.ts'

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
    await stream.write('resize', Buffer.from('{"columns":10,"rows":5}'))
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
