/** How connections end, by whom and how often that is told. */
import type { Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { until } from '../../../support/until.ts'
import { Recorder, type Told } from './recorder.ts'
import { ALL, fill, turns, World } from './world.ts'

const MIB = Buffer.alloc(1_048_576, 'm')

describe.each(ALL)('$name', (transports) => {
  test('end() comes after what is pending, and each side may end first', async () => {
    const world = await World.open(transports)
    const { near, far } = await world.pair()
    const sent = fill(near, MIB)
    near.end()
    far.resume()
    await far.hears('ended')
    expect(far.receivedBytes).toBe(sent)
    expect(near.told).toEqual(['opened', 'drained'])
    expect(far.send('still here')).toBe(true)
    await near.hearsText('still here')
    far.end()
    await Promise.all([near.hears('closed'), far.hears('closed')])
    expect(near.told.slice(-2)).toEqual(['ended', 'closed'])
    expect([near.reason, far.reason]).toEqual([undefined, undefined])
  })

  test('end() within ended() closes both sides cleanly', async () => {
    const world = await World.open(transports)
    const { far, peer } = await world.far()
    far.onTold = (told) => told === 'ended' && far.end()
    far.resume()
    peer.end('bye')
    await far.hears('closed')
    expect(far.told).toEqual(['received', 'ended', 'closed'])
    expect(far.reason).toBeUndefined()
  })

  test('send() after end() is a bug of the caller', async () => {
    const world = await World.open(transports)
    const { near } = await world.pair()
    near.end()
    near.end()
    expect(() => near.send('more')).toThrow('Cannot send: the sending was ended')
  })

  test('a reset is told as such to both kinds of connections', async () => {
    const world = await World.open(transports)
    const accepted = await world.far()
    accepted.far.resume()
    accepted.peer.resetAndDestroy()
    await accepted.far.hears('closed')
    expect(accepted.far.told).toEqual(['closed'])
    expect(accepted.far.reason).toBe('the connection was cut')
    const opened = await world.near()
    opened.peer.resetAndDestroy()
    await opened.near.hears('closed')
    expect(opened.near.told).toEqual(['opened', 'closed'])
    expect(opened.near.reason).toBe('the connection was cut')
  })

  test('send() to a side that reset does not throw, and the end is told afterwards', async () => {
    const world = await World.open(transports)
    // This one does not read: only what it sends can tell.
    const { far, peer } = await world.far()
    peer.resetAndDestroy()
    await until(() => peer.closed)
    expect(far.send('lost')).toBe(true)
    expect(far.send('lost, too')).toBe(true)
    expect(far.told).toEqual([])
    await far.hears('closed')
    expect(far.told).toEqual(['closed'])
    expect(far.reason).toBe('the connection was cut')
    expect(far.send('nobody there')).toBe(true)
  })

  test('a reset while something is pending is told, and nothing is drained', async () => {
    const world = await World.open(transports)
    const { far, peer } = await world.far()
    fill(far, MIB)
    peer.resetAndDestroy()
    await far.hears('closed')
    expect(far.told).toEqual(['closed'])
    expect(far.reason).toBe('the connection was cut')
    expect(far.transport.isPending).toBe(false)
  })

  test.each<Told>(['opened', 'received', 'drained', 'ended'])(
    'destroy() within %s() is the last but closed()',
    async (when) => {
      const world = await World.open(transports)
      world.onConnection((socket) => world.own(socket))
      const accepted = new Promise<Socket>((resolve) => world.onConnection(resolve))
      const near = new Recorder()
      near.onTold = (told) => told === when && near.destroy()
      world.connect(world.address, near)
      const peer = await accepted
      if (when === 'drained') {
        await near.hears('opened')
        fill(near, MIB)
        peer.resume()
      }
      peer.end(MIB)
      await near.hears('closed')
      await turns()
      expect(near.told.slice(-2)).toEqual([when, 'closed'])
      expect(near.reason).toBeUndefined()
    },
  )

  test('destroy() loses what is pending and closes once, however often it is called', async () => {
    const world = await World.open(transports)
    const { near, far } = await world.pair()
    fill(near, MIB)
    near.destroy()
    near.destroy()
    near.pause()
    near.resume()
    near.end()
    near.transport.expectMuch(true)
    expect(near.send('lost')).toBe(true)
    expect(near.told).toEqual(['opened'])
    await near.hears('closed')
    far.resume()
    await far.hears('ended')
    expect(near.told).toEqual(['opened', 'closed'])
    expect(near.reason).toBeUndefined()
  })

  test('destroy() before it is open tells of nothing but the end', async () => {
    const world = await World.open(transports)
    world.onConnection((socket) => world.own(socket))
    const near = world.connect()
    near.destroy()
    await near.hears('closed')
    await turns()
    expect(near.told).toEqual(['closed'])
    expect(near.reason).toBeUndefined()
  })
})
