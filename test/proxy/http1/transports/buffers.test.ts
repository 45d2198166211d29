/** Which memory is read into, and what a broken connection still says. */
import { describe, expect, test } from 'vitest'
import { handleTransports } from '../../../../proxy/http1/transports/handle.ts'
import { onreadTransports } from '../../../../proxy/http1/transports/onread.ts'
import { until } from '../../../support/until.ts'
import type { Recorder } from './recorder.ts'
import { fill, World } from './world.ts'

const MIB = Buffer.alloc(1_048_576, 'm')
const SMALL_BYTES = 16_384
const LARGE_BYTES = 65_536

describe.each([handleTransports, onreadTransports])('$name', (transports) => {
  test('accept() reads every connection into the same 64 KB', async () => {
    const world = await World.open(transports)
    const [one, other] = [await world.far(), await world.far()]
    const buffers = [one, other].map(({ far, peer }) => {
      const lent = buffersOf(far)
      far.resume()
      peer.end(MIB)
      return lent
    })
    await Promise.all([one.far.hears('ended'), other.far.hears('ended')])
    const lent = new Set(buffers.flatMap((some) => [...some]))
    expect([...lent].map(({ length }) => length)).toEqual([LARGE_BYTES])
  })

  test('connect() reads into its own 16 KB, and into 64 KB while much is expected', async () => {
    const world = await World.open(transports)
    const [one, other] = [await world.near(), await world.near()]
    const lent = buffersOf(one.near)
    const others = buffersOf(other.near)
    const sizes = async (much: boolean): Promise<Set<number>> => {
      one.near.transport.expectMuch(much)
      // The read that comes next may still go where the one before it was told to go.
      one.peer.write('x')
      const before = one.near.receivedBytes
      await until(() => one.near.receivedBytes === before + 1)
      lent.clear()
      one.peer.write(MIB)
      await until(() => one.near.receivedBytes === before + 1 + MIB.length)
      return new Set([...lent].map(({ length }) => length))
    }
    expect(await sizes(false)).toEqual(new Set([SMALL_BYTES]))
    expect(await sizes(true)).toEqual(new Set([LARGE_BYTES]))
    expect(await sizes(false)).toEqual(new Set([SMALL_BYTES]))
    other.peer.write('y')
    await other.near.hears('received')
    expect([...others].some((buffer) => lent.has(buffer))).toBe(false)
  })
})

test('handle: what the other side said before it cut the connection is still read', async () => {
  const world = await World.open(handleTransports)
  const { near, peer } = await world.near()
  fill(near, MIB)
  peer.write('too large')
  // What it has not read makes the kernel send a reset.
  await new Promise((resolve) => peer.write('!', resolve))
  peer.destroy()
  await near.hears('closed')
  expect(near.text).toBe('too large!')
  expect(near.reason).toBe('the connection was cut')
})

function buffersOf(recorder: Recorder): Set<Buffer> {
  const lent = new Set<Buffer>()
  recorder.onReceived = (bytes) => lent.add(bytes)
  return lent
}
