/** The smallest master a proxy can live with, told by the test what to answer. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { RouteFragment, RouteRevision } from '../../../shared/model.ts'
import {
  type Measurements,
  measurementsSchema,
  type ProxyJoin,
  proxyJoinSchema,
  WIRE_VERSION,
} from '../../../shared/protocol.ts'

interface Published {
  readonly revision: RouteRevision
  readonly snapshot: boolean
  readonly fragments: readonly RouteFragment[]
  readonly removed: readonly string[]
}

export class TinyMaster {
  readonly joins: ProxyJoin[] = []
  readonly measurements: Measurements[] = []
  /** The `after` of each question for routes. */
  readonly asked: string[] = []
  readonly left: string[] = []
  epoch = 1
  permits: Record<string, number> = {}
  wantJoin = false
  /** Set: joins are refused with this status. */
  refusesWith: number | undefined
  /** Reports are taken, but the answer never arrives. */
  losesAnswers = false
  readonly #sockets = new Set<Socket>()
  readonly #waiting = new Set<ServerResponse>()
  #answers: Published[] = []
  #server: Server | undefined
  port = 0

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(this.port, '127.0.0.1', resolve))
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.port = address.port
    this.#server = server
  }

  /** Gone as a killed process is; `start` brings it back on the same port. */
  async stop(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    this.#waiting.clear()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) =>
      server === undefined ? resolve() : server.close(() => resolve()),
    )
  }

  /** Answers the question for routes that is open, or the next one. */
  publish(published: Published): void {
    this.#answers.push(published)
    this.#serveRoutes()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request
    if (method === 'GET' && url.startsWith('/v1/routes')) {
      this.asked.push(new URL(url, 'http://t').searchParams.get('after') ?? '')
      this.#waiting.add(response)
      this.#serveRoutes()
    } else if (method === 'POST' && url === '/v1/proxies') {
      this.#join(proxyJoinSchema.parse(await bodyOf(request)), response)
    } else if (method === 'DELETE' && url.startsWith('/v1/proxies/')) {
      this.left.push(url.slice('/v1/proxies/'.length))
      response.writeHead(204).end()
    } else if (method === 'POST' && url === '/v1/measurements') {
      this.measurements.push(measurementsSchema.parse(await bodyOf(request)))
      if (this.losesAnswers) return void response.destroy()
      const { epoch, permits, wantJoin } = this
      send(response, 200, { wire: WIRE_VERSION, epoch, permits, wantJoin })
    } else {
      send(response, 404, { error: { code: 'NOT_FOUND', message: 'Cannot find that' } })
    }
  }

  #join(join: ProxyJoin, response: ServerResponse): void {
    if (this.refusesWith !== undefined) {
      const error = { code: 'NO', message: 'Cannot let you in: no' }
      send(response, this.refusesWith, { error })
    } else {
      this.joins.push(join)
      this.wantJoin = false
      send(response, 200, { wire: WIRE_VERSION, epoch: this.epoch, leaseMs: 5_000 })
    }
  }

  #serveRoutes(): void {
    for (const response of this.#waiting) {
      const answer = this.#answers.shift()
      if (answer === undefined) return
      this.#waiting.delete(response)
      send(response, 200, { wire: WIRE_VERSION, ...answer })
    }
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
