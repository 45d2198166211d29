import { connect, type Socket } from 'node:net'
import type { Receiver, Transport, Transports, UpstreamAddress } from '../transport.ts'
import { type Reading, SocketTransport } from './socket-transport.ts'

const flowing: Reading = {
  stop: (socket) => void socket.pause(),
  start: (socket) => void socket.resume(),
  expectMuch: () => undefined,
}

/** Bytes as `net` hands them out: slower than the others, but public to the last call, and for TLS. */
export const dataTransports: Transports = {
  name: 'data',

  accept(socket: Socket, receiver: Receiver): Transport {
    // A TLS socket may come without it, and would then end by itself what the other side ended.
    socket.allowHalfOpen = true
    return carried(socket, receiver)
  },

  connect({ host, port }: UpstreamAddress, receiver: Receiver): Transport {
    return carried(connect({ host, port, noDelay: true, allowHalfOpen: true }), receiver)
  },
}

function carried(socket: Socket, receiver: Receiver): Transport {
  socket.pause()
  const transport = new SocketTransport(socket, receiver, flowing)
  socket.on('data', (bytes: Buffer) => transport.received(bytes, bytes.length))
  return transport
}
