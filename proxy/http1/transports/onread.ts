import { connect, type OnReadOpts, Socket } from 'node:net'
import type { Receiver, Transport, Transports, UpstreamAddress } from '../transport.ts'
import { OwnBuffer, type ReadBuffer, sharedBuffer } from './read-buffer.ts'
import { type Reading, SocketTransport } from './socket-transport.ts'

/** Bytes read into memory that is used again and again, by the `onread` option of `net`. */
export const onreadTransports: Transports = {
  name: 'onread',

  accept(socket: Socket, receiver: Receiver): Transport {
    if (socket.destroyed) return new SocketTransport(socket, receiver, reading(sharedBuffer))
    const transport: SocketTransport = new SocketTransport(
      movedSocket(
        socket,
        readInto(sharedBuffer, () => transport),
      ),
      receiver,
      ACCEPTED,
    )
    return transport
  },

  connect({ host, port }: UpstreamAddress, receiver: Receiver): Transport {
    const buffer = new OwnBuffer()
    const onread = readInto(buffer, () => transport)
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true, onread })
    socket.pause()
    const transport: SocketTransport = new SocketTransport(socket, receiver, reading(buffer))
    return transport
  },
}

function readInto(buffer: ReadBuffer, transport: () => SocketTransport): OnReadOpts {
  return {
    buffer: () => buffer.next(false),
    callback: (length) => {
      transport().received(buffer.current, length)
      return true
    },
  }
}

/**
 * The stream stays paused for ever, and only its handle reads or does not: `resume` of a stream
 * reads in the next tick, even when it was paused again by then, and would write into a buffer that
 * is still lent. `read` starts the handle at once.
 */
function reading(buffer: ReadBuffer): Reading {
  return {
    stop: (socket) => void socket.pause(),
    start: (socket) => void socket.read(0),
    expectMuch: (much) => buffer.expectMuch(much),
  }
}

const ACCEPTED = reading(sharedBuffer)

/**
 * A server takes no `onread`, so a second socket takes over the connection of the one it made, and
 * its place in the server's count, without which the server would never finish closing.
 */
function movedSocket(socket: Socket, onread: OnReadOpts): Socket {
  const handle: unknown = Reflect.get(socket, '_handle')
  const options = { handle, onread, allowHalfOpen: true, pauseOnCreate: true }
  const moved = new Socket(options)
  Reflect.set(moved, '_server', Reflect.get(socket, '_server'))
  Reflect.set(socket, '_server', null)
  Reflect.set(socket, '_handle', null)
  return moved
}
