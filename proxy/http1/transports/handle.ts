import { connect, type Socket } from 'node:net'
import type { Receiver, Transport, Transports, UpstreamAddress } from '../transport.ts'
import { HandleTransport } from './handle-transport.ts'
import { OwnBuffer, sharedBuffer } from './read-buffer.ts'
import { streamInternals } from './stream-internals.ts'

/** Bytes moved by node's own handles, beside `net` and its streams: the fastest, and not public. */
export const handleTransports: Transports = {
  name: 'handle',

  accept(socket: Socket, receiver: Receiver): Transport {
    return new HandleTransport(socket, receiver, sharedBuffer, streamInternals())
  },

  connect({ host, port }: UpstreamAddress, receiver: Receiver): Transport {
    const internals = streamInternals()
    const socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
    // Else `net` itself would begin to read.
    socket.pause()
    return new HandleTransport(socket, receiver, new OwnBuffer(), internals)
  },
}
