import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { after } from '../../shared/clock.ts'
import { type OwnAnswer, ownAnswerBytes } from '../http1/own-answer.ts'

/** A request under way, as its client's connection knows it. */
export interface UnderWay {
  /** The connection is closed. */
  gone(): void
  /** What came is no HTTP, and no more is read. Answers whether it was of this, which ends now. */
  broken(): boolean
}

/** A request that waits for its turn, or has it. */
interface Turn {
  readonly request: IncomingMessage
  readonly take: () => void
}

interface Open {
  readonly underWay: Set<UnderWay>
  /** In the order they came; the first one has its turn. */
  readonly turns: Turn[]
  /** What is said behind the answers to all that came before it. */
  last: OwnAnswer | undefined
}

/** How long what a client still sends is read, so that it sees the answer before the end. */
const LINGER_MS = 2_000

/** The clients' open connections, and what is under way on each: with pipelining several requests. */
export class Connections {
  readonly #open = new Map<Socket, Open>()

  /** With one listener per connection, whatever the number of requests on it. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => {
      const open: Open = { underWay: new Set(), turns: [], last: undefined }
      this.#open.set(socket, open)
      socket.once('close', () => {
        this.#open.delete(socket)
        for (const one of [...open.underWay]) one.gone()
      })
    })
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Takes the requests of one connection one after the other: at once they might be done in any
   * order (RFC 9112, section 9.3.2).
   */
  inTurn(response: ServerResponse, take: () => void): void {
    const request = response.req
    const open = this.#open.get(request.socket)
    if (open === undefined) return
    response.once('close', () => goOn(request.socket, open))
    open.turns.push({ request, take })
    if (open.turns.length === 1) take()
  }

  /** Whether a request on it is not answered yet. */
  isBusy(socket: Socket): boolean {
    return (this.#open.get(socket)?.turns.length ?? 0) > 0
  }

  /** Tells it when its connection ends; at once when it has. */
  join(socket: Socket, one: UnderWay): void {
    const open = this.#open.get(socket)
    if (open === undefined) one.gone()
    else open.underWay.add(one)
  }

  leave(socket: Socket, one: UnderWay): void {
    this.#open.get(socket)?.underWay.delete(one)
  }

  /** What came is no HTTP: who is under way is told, else the client is. */
  broken(socket: Socket, answer: OwnAnswer): void {
    const open = this.#open.get(socket)
    if (open === undefined) return void socket.destroy()
    if ([...open.underWay].some((one) => one.broken())) return
    if (open.turns.length > 0) open.last = answer
    else refuse(socket, answer)
  }

  destroyAll(): void {
    for (const socket of this.#open.keys()) socket.destroy()
  }
}

/** Behind a last answer nothing is taken any more. */
function goOn(socket: Socket, { turns, last }: Open): void {
  turns.shift()
  if (!socket.writable) return
  const next = turns[0]
  if (last !== undefined && next?.request.complete !== true) refuse(socket, last)
  else next?.take()
}

/** Answers on a connection that carries nothing else, and ends it in good order. */
export function refuse(socket: Socket, answer: OwnAnswer): void {
  if (!socket.writable) return void socket.destroy()
  linger(socket)
  socket.end(ownAnswerBytes(answer, { isHead: false, close: true }))
}

/** Reads for a moment what a client still sends to the end of its last answer: else it may miss it. */
export function linger(socket: Socket): void {
  socket.resume()
  socket.once('finish', () => {
    socket.once(
      'close',
      after(LINGER_MS, () => socket.destroy()),
    )
  })
}
