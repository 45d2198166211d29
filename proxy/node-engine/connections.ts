import type { Server } from 'node:http'
import type { Socket } from 'node:net'

type Callback = () => void

/** The clients' open connections: who waits for their end, and how to end them. */
export class Connections {
  readonly #open = new Map<Socket, Set<Callback>>()

  /** With one listener per connection, whatever the number of requests on it. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      const callbacks = new Set<Callback>()
      this.#open.set(socket, callbacks)
      socket.once('close', () => {
        this.#open.delete(socket)
        for (const callback of callbacks) callback()
      })
    })
  }

  get size(): number {
    return this.#open.size
  }

  /** Calls back when the connection ends; at once when it has. The answer forgets it. */
  onClose(socket: Socket, callback: Callback): () => void {
    const callbacks = this.#open.get(socket)
    if (callbacks === undefined) {
      callback()
      return () => undefined
    }
    callbacks.add(callback)
    return () => callbacks.delete(callback)
  }

  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }
}
