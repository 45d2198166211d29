import { describe, expect, test } from 'vitest'
import type { Receiver, TransportName, Transports } from '../../../../proxy/http1/transport.ts'
import { chooseAmong, chooseTransports } from '../../../../proxy/http1/transports/choose.ts'
import { dataTransports } from '../../../../proxy/http1/transports/data.ts'
import { selfTest } from '../../../../proxy/http1/transports/self-test.ts'
import { streamInternals } from '../../../../proxy/http1/transports/stream-internals.ts'
import { ALL } from './world.ts'

test.each(ALL)('selfTest() finds nothing wrong with $name', async (transports) => {
  expect(await selfTest(transports)).toBeUndefined()
})

test('chooseTransports() takes the fastest, or the one that was named', async () => {
  expect(await namesOf('auto')).toEqual(['handle'])
  for (const name of ['handle', 'onread', 'data'] as const) {
    expect(await namesOf(name)).toEqual([name])
  }
})

test('streamInternals() leaves the warnings of deprecations as they were', () => {
  const { noDeprecation } = process
  streamInternals()
  expect(process.noDeprecation).toBe(noDeprecation)
})

type Fault = (receiver: Receiver) => Partial<Receiver>

/** What a version of node might do to us, put between a transport that works and its receiver. */
const faults: Readonly<Record<string, { readonly fault: Fault; readonly reason: RegExp }>> = {
  'changes a byte': {
    fault: (receiver) => ({
      received: (bytes, length) => {
        bytes.writeUInt8(bytes.readUInt8(0) ^ 1, 0)
        receiver.received(bytes, length)
      },
    }),
    reason: /does not pass an echo: bytes came otherwise/,
  },
  'loses the news of a write': {
    fault: () => ({ drained: () => undefined }),
    reason: /a write that has to wait for a slow reader: nothing more happened within 1000 ms/,
  },
  'takes a reset for a clean end': {
    fault: (receiver) => ({ closed: () => receiver.closed(undefined) }),
    reason: /a reset: a reset was taken for a clean end/,
  },
  'tells the end twice': {
    fault: (receiver) => ({
      closed: (reason) => {
        receiver.closed(reason)
        receiver.closed(reason)
      },
    }),
    reason: /an echo: something was heard that must not be/,
  },
}

describe.each(Object.entries(faults))('with one that %s', (_, { fault, reason }) => {
  const broken = faulty('handle', fault)

  test('chooseAmong() falls to the next and says why', async () => {
    const { transports, refused } = await chooseAmong([broken, dataTransports])
    expect(transports.name).toBe('data')
    expect(refused).toEqual([{ name: 'handle', reason: expect.stringMatching(reason) }])
  })
})

test('chooseAmong() fails with a sentence when none is left', async () => {
  const absent: Transports = {
    ...dataTransports,
    name: 'handle',
    connect: () => {
      throw new Error('this node has no WriteWrap that is known')
    },
  }
  await expect(chooseAmong([absent])).rejects.toThrow(
    'Cannot use the transport "handle": it does not pass an echo: this node has no WriteWrap',
  )
})

async function namesOf(wanted: 'auto' | TransportName): Promise<string[]> {
  const { transports, refused } = await chooseTransports(wanted)
  return [transports.name, ...refused.map(({ name, reason }) => `${name}: ${reason}`)]
}

function faulty(name: TransportName, fault: Fault): Transports {
  const spoilt = (receiver: Receiver): Receiver => ({
    opened: () => receiver.opened(),
    received: (bytes, length) => receiver.received(bytes, length),
    drained: () => receiver.drained(),
    ended: () => receiver.ended(),
    closed: (reason) => receiver.closed(reason),
    ...fault(receiver),
  })
  return {
    name,
    accept: (socket, receiver) => dataTransports.accept(socket, spoilt(receiver)),
    connect: (address, receiver) => dataTransports.connect(address, spoilt(receiver)),
  }
}
