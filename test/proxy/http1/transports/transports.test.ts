import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { until } from '../../../support/until.ts'
import { Recorder } from './recorder.ts'
import { ALL, fill, turns, World } from './world.ts'

const MIB = Buffer.alloc(1_048_576, 'm')

describe.each(ALL)('$name', (transports) => {
  test('connect() tells of the connection, accept() takes its other end', async () => {
    const world = await World.open(transports)
    const { near, far } = await world.pair()
    expect(near.send('question')).toBe(true)
    await turns()
    expect(far.told).toEqual([])
    far.resume()
    await far.hearsText('question')
    expect(far.send('answer')).toBe(true)
    await near.hearsText('answer')
    expect(near.told).toEqual(['opened', 'received'])
    expect(near.transport.remoteAddress).toBe('127.0.0.1')
    expect(far.transport.remoteAddress).toBe('127.0.0.1')
  })

  test('connect() finds an address by its name', async () => {
    const world = await World.open(transports)
    world.onConnection((socket) => world.own(socket))
    const near = world.connect({ ...world.address, host: 'localhost' })
    await near.hears('opened')
    expect(near.transport.remoteAddress).toBe('127.0.0.1')
  })

  test('connect() tells why a connection was refused', async () => {
    const world = await World.open(transports)
    const near = world.connect({ host: '127.0.0.1', port: 1 })
    await near.hears('closed')
    expect(near.told).toEqual(['closed'])
    expect(near.reason).toBe('the connection was refused')
    expect(near.send('lost')).toBe(true)
  })

  test('connect() does not read when it is paused as it opens, and reads once resumed', async () => {
    const world = await World.open(transports)
    world.onConnection((socket) => world.own(socket).write('early'))
    const near = new Recorder()
    near.onTold = (told) => told === 'opened' && near.pause()
    world.connect(world.address, near)
    await near.hears('opened')
    await turns()
    expect(near.told).toEqual(['opened'])
    near.resume()
    await near.hearsText('early')
  })

  test('pause() and resume() before it is open say whether it reads then', async () => {
    const world = await World.open(transports)
    world.onConnection((socket) => world.own(socket).write('early'))
    const paused = world.connect()
    paused.resume()
    paused.pause()
    const resumed = world.connect()
    resumed.pause()
    resumed.resume()
    await resumed.hearsText('early')
    await paused.hears('opened')
    await turns()
    expect(paused.told).toEqual(['opened'])
  })

  test('accept() tells of the end of a socket that is gone already', async () => {
    const world = await World.open(transports)
    const accepted = new Promise<Socket>((resolve) => world.onConnection(resolve))
    const peer = world.own(connect(world.address))
    const socket = await accepted
    socket.destroy()
    const soon = world.accept(socket)
    await until(() => peer.closed)
    const late = world.accept(socket)
    await Promise.all([soon.hears('closed'), late.hears('closed')])
    expect([soon.told, late.told]).toEqual([['closed'], ['closed']])
  })

  test('send() leaves pending what the kernel does not take, and tells when it is written', async () => {
    const world = await World.open(transports)
    const { near, far } = await world.pair()
    const sent = fill(near, MIB)
    expect(near.transport.isPending).toBe(true)
    expect(() => near.send('more')).toThrow('Cannot send: the last bytes are still pending')
    await turns()
    expect(near.told).toEqual(['opened'])
    far.resume()
    await near.hears('drained')
    expect(near.transport.isPending).toBe(false)
    expect(near.send('.')).toBe(true)
    await until(() => far.receivedBytes === sent + 1)
    expect(near.told).toEqual(['opened', 'drained'])
  })

  test('send() sends the named part alone, and nothing of an empty one', async () => {
    const world = await World.open(transports)
    const { near, far } = await world.pair()
    far.resume()
    const bytes = Buffer.from('0123456789')
    expect(near.send(bytes, 3, 3)).toBe(true)
    expect(near.send(bytes, 3, 7)).toBe(true)
    expect(near.send(bytes, 9)).toBe(true)
    await far.hearsText('34569')
  })

  test('pause() within received() lets nothing more through until resume()', async () => {
    const world = await World.open(transports)
    const { far, peer } = await world.far()
    far.onReceived = () => far.pause()
    far.resume()
    peer.write(MIB)
    await far.hears('received')
    await turns()
    expect(far.told).toEqual(['received'])
    far.onReceived = () => undefined
    far.resume()
    await until(() => far.receivedBytes === MIB.length)
  })

  test('pause() holds in the turn of a resume() before it', async () => {
    const world = await World.open(transports)
    const { near, peer } = await world.near()
    near.pause()
    peer.write('x')
    await turns()
    near.resume()
    near.pause()
    await turns()
    expect(near.told).toEqual(['opened'])
    near.resume()
    near.pause()
    near.resume()
    await near.hearsText('x')
  })

  test('pause() holds back the end of the other side, too', async () => {
    const world = await World.open(transports)
    const { far, peer } = await world.far()
    far.resume()
    far.pause()
    peer.end()
    await turns()
    expect(far.told).toEqual([])
    far.resume()
    await far.hears('ended')
    far.pause()
    far.resume()
    await turns()
    expect(far.told).toEqual(['ended'])
  })

  test('what an opened connection lends stays as it is while it is paused', async () => {
    const world = await World.open(transports)
    const { near, peer } = await world.near()
    let lent: Buffer = Buffer.alloc(0)
    near.onReceived = (bytes, length) => {
      lent = bytes.subarray(0, length)
      near.transport.expectMuch(true)
      near.pause()
    }
    peer.write('a'.repeat(1_000))
    await near.hears('received')
    peer.write(MIB)
    await turns()
    near.resume()
    near.pause()
    await turns()
    expect(lent.toString()).toBe('a'.repeat(1_000))
  })
})
