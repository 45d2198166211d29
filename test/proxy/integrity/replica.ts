import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { systemClock } from '../../../shared/clock.ts'
import { drained } from './drained.ts'
import { Seeded, SOURCE } from './seeded.ts'

const PIECE_MAX = 65_536
const SLOW_MS = 2

/** A replica that checks every byte that it gets and sends what the target of the request says. */
export class Replica {
  /** What arrived wrong. */
  readonly wrong: string[] = []
  answered = 0
  port = 0
  readonly #random: Seeded
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(seed: number) {
    this.#random = new Seeded(seed)
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#serve(request, response).catch(() => request.socket.destroy())
    })
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
  }

  get connections(): number {
    return this.#sockets.size
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const query = new URL(request.url ?? '', 'http://t').searchParams
    const slow = query.get('slow') === '1'
    await this.#take(request, query.get('up') ?? '', slow)
    const [offset = 0, size = 0] = (query.get('down') ?? '').split(',').map(Number)
    const cut = query.get('cut') === '' ? undefined : Number(query.get('cut'))
    if (cut === -1) {
      request.socket.destroy()
      return
    }
    if (!query.get('down')?.endsWith('chunked')) response.setHeader('content-length', size)
    const end = offset + (cut ?? size)
    for (let at = offset; at < end; ) {
      const next = Math.min(end, at + this.#random.scaled(1, PIECE_MAX))
      const more = response.write(SOURCE.subarray(at, next))
      if (slow) await systemClock.sleep(SLOW_MS)
      if (!more) await drained(response)
      if (response.destroyed) return
      at = next
    }
    if (cut === undefined) {
      response.end()
      this.answered += 1
    } else if (this.#random.chance(0.5)) request.socket.resetAndDestroy()
    else request.socket.destroy()
  }

  async #take(request: IncomingMessage, stretch: string, slow: boolean): Promise<void> {
    const [offset = 0, size = 0] = stretch.split(',').map(Number)
    let at = offset
    for await (const chunk of request) {
      const bytes: Buffer = chunk
      if (!bytes.equals(SOURCE.subarray(at, at + bytes.length))) {
        this.wrong.push(`${request.url}: other bytes after ${at - offset}`)
      }
      at += bytes.length
      if (slow) await systemClock.sleep(SLOW_MS)
    }
    if (at !== offset + size) this.wrong.push(`${request.url}: ${at - offset} of ${size} bytes`)
  }
}
