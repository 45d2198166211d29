import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { after } from '../../shared/clock.ts'
import { type OwnAnswer, ownAnswerBytes } from '../http1/own-answer.ts'

/** A request under way, as its client's connection knows it. */
export interface UnderWay {
  /** The connection is closed. */
  gone(): void
  /** What came is no HTTP, and nothing that comes will be read. */
  broken(): void
}

/** How long what a client still sends is read, so that it sees the answer before the end. */
const LINGER_MS = 2_000

/** The clients' open connections, and what is under way on each: with pipelining several requests. */
export class Connections {
  readonly #open = new Map<Socket, Set<UnderWay>>()

  /** With one listener per connection, whatever the number of requests on it. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      const underWay = new Set<UnderWay>()
      this.#open.set(socket, underWay)
      socket.once('close', () => {
        this.#open.delete(socket)
        for (const one of [...underWay]) one.gone()
      })
    })
  }

  get size(): number {
    return this.#open.size
  }

  /** Tells it when its connection ends; at once when it has. */
  join(socket: Socket, one: UnderWay): void {
    const underWay = this.#open.get(socket)
    if (underWay === undefined) one.gone()
    else underWay.add(one)
  }

  leave(socket: Socket, one: UnderWay): void {
    this.#open.get(socket)?.delete(one)
  }

  /** What came is no HTTP: who is under way is told, else the client is. */
  broken(socket: Socket, answer: OwnAnswer | undefined): void {
    const underWay = [...(this.#open.get(socket) ?? [])]
    for (const one of underWay) one.broken()
    if (underWay.length > 0) return
    if (answer === undefined || !socket.writable || socket.bytesRead === 0) socket.destroy()
    else this.refuse(socket, answer)
  }

  /** Answers on a connection that is nobody else's, and ends it in good order. */
  refuse(socket: Socket, answer: OwnAnswer): void {
    socket.end(ownAnswerBytes(answer, { isHead: false, close: true }))
    socket.resume()
    const cancel = after(LINGER_MS, () => socket.destroy())
    socket.once('close', cancel)
  }

  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }
}
