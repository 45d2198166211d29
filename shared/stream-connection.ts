import { type MuxOptions, StreamMux } from './stream-mux.ts'
import type { StreamSocket } from './stream-socket.ts'

export interface ConnectionOptions extends Omit<MuxOptions, 'port'> {
  /** The sentence with which every stream ends when the connection is gone. */
  readonly lost: (reason: string) => string
}

/** Streams over a WebSocket, until either is closed. */
export function streamsOver(
  socket: StreamSocket,
  { lost, ...options }: ConnectionOptions,
): StreamMux {
  const port = {
    send: (bytes: Uint8Array): void => socket.send(bytes),
    get isWritable(): boolean {
      return socket.isWritable
    },
    close: (reason: string): void => socket.close(reason),
  }
  const mux = new StreamMux({ port, ...options })
  socket.listen({
    onMessage: (message) => {
      if (typeof message !== 'string') mux.receive(message)
      else socket.close('a text message is no frame')
    },
    onDrain: () => mux.flush(),
  })
  void socket.closed.then((reason) => {
    mux.lose({ kind: 'failed', status: 503, code: 'CONNECTION_LOST', message: lost(reason) })
  })
  return mux
}
