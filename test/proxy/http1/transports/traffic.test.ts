/** Nothing is lost, doubled or overwritten, however much waits and for whom. */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { UpstreamAddress } from '../../../../proxy/http1/transport.ts'
import { until } from '../../../support/until.ts'
import type { Recorder } from './recorder.ts'
import { relay } from './relay.ts'
import { ALL, addressOf, turns, World } from './world.ts'

interface Sending {
  readonly sizes: readonly number[]
  readonly isSlow: boolean
}

const sending = fc.record({
  sizes: fc.array(
    fc.oneof(fc.integer({ min: 1, max: 400 }), fc.integer({ min: 1, max: 300_000 })),
    {
      maxLength: 12,
    },
  ),
  isSlow: fc.boolean(),
})

describe.each(ALL)('$name', (transports) => {
  test('both directions at once arrive as they were sent', async () => {
    const world = await World.open(transports)
    await fc.assert(
      fc.asyncProperty(sending, sending, async (toFar, toNear) => {
        const { near, far } = await world.pair()
        slowDown(near, toNear)
        slowDown(far, toFar)
        far.resume()
        const sent = await Promise.all([sendAll(near, toFar), sendAll(far, toNear)])
        await Promise.all([near.hears('closed'), far.hears('closed')])
        expect([far.digest, near.digest]).toEqual(sent)
        expect([far.reason, near.reason]).toEqual([undefined, undefined])
      }),
      { numRuns: 10 },
    )
  })

  test('what many clients send through one relay comes back to each as it was', async () => {
    const world = await World.open(transports)
    const upstream = await echo()
    world.onConnection((socket) => relay(world, socket, upstream))
    await fc.assert(
      fc.asyncProperty(fc.array(sending, { minLength: 8, maxLength: 8 }), async (clients) => {
        const done = clients.map((client) => exchange(world.own(connect(world.address)), client))
        for (const { sent, received } of await Promise.all(done)) expect(received).toBe(sent)
      }),
      { numRuns: 4 },
    )
    await until(() => world.recorders.every((recorder) => recorder.has('closed')))
  })

  test('a client that leaves in the middle leaves nothing open', async () => {
    const world = await World.open(transports)
    const upstream = await echo()
    world.onConnection((socket) => relay(world, socket, upstream))
    for (const leave of ['destroy', 'resetAndDestroy'] as const) {
      const client = world.own(connect(world.address))
      client.write(randomBytes(3_000_000))
      await once(client, 'data')
      client[leave]()
    }
    await until(() => world.recorders.every((recorder) => recorder.has('closed')))
    expect(world.recorders).toHaveLength(4)
  })
})

/** Every third read of a slow one is followed by a pause. */
function slowDown(recorder: Recorder, { isSlow }: Sending): void {
  let reads = 0
  recorder.onReceived = () => {
    reads += 1
    if (!isSlow || reads % 3 !== 0) return
    recorder.pause()
    turns(3).then(() => recorder.resume())
  }
}

/** Sends it all and ends; the answer is what the other side must have seen. */
async function sendAll(recorder: Recorder, { sizes }: Sending): Promise<string> {
  const hash = createHash('sha256')
  for (const size of sizes) {
    const bytes = randomBytes(size)
    hash.update(bytes)
    if (!recorder.send(bytes)) {
      await new Promise<void>((resolve) => {
        recorder.onDrained = resolve
      })
    }
  }
  recorder.end()
  return hash.digest('hex')
}

interface Exchanged {
  readonly sent: string
  readonly received: string
}

async function exchange(client: Socket, { sizes, isSlow }: Sending): Promise<Exchanged> {
  const [sent, received] = [createHash('sha256'), createHash('sha256')]
  let reads = 0
  client.on('data', (bytes: Buffer) => {
    received.update(bytes)
    reads += 1
    if (!isSlow || reads % 3 !== 0) return
    client.pause()
    turns(3).then(() => client.resume())
  })
  for (const size of sizes) {
    const bytes = randomBytes(size)
    sent.update(bytes)
    client.write(bytes)
  }
  client.end()
  await once(client, 'close')
  return { sent: sent.digest('hex'), received: received.digest('hex') }
}

async function echo(): Promise<UpstreamAddress> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    socket.pipe(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return addressOf(server)
}
