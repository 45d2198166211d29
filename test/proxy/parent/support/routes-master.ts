/** A master that publishes one table to all who ask, and keeps what it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { RouteFragment } from '../../../../shared/model.ts'
import {
  type Measurements,
  measurementsSchema,
  type ProxyJoin,
  proxyJoinSchema,
  WIRE_VERSION,
} from '../../../../shared/protocol.ts'

export class RoutesMaster {
  readonly joins: ProxyJoin[] = []
  readonly left: string[] = []
  /** Each stretch once, as a master counts them. */
  readonly reports: Measurements[] = []
  /** Everything that came, also what came again. */
  readonly heard: Measurements[] = []
  #server: Server | undefined
  readonly #sockets = new Set<Socket>()
  readonly #waiting = new Map<ServerResponse, string>()
  #fragments: readonly RouteFragment[] = []
  seq = 0
  refuses = false
  url = ''

  /** The proxy's life that it knows: others must join first. */
  get boot(): string {
    return this.joins.at(-1)?.boot ?? ''
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy())
    })
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    this.#server = server
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  publish(fragments: readonly RouteFragment[]): void {
    this.seq += 1
    this.#fragments = fragments
    for (const [response, after] of this.#waiting) this.#routes(response, after)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = '' } = request
    if (method === 'GET') {
      const after = new URL(url, 'http://t').searchParams.get('after') ?? ''
      response.once('close', () => this.#waiting.delete(response))
      this.#routes(response, after)
    } else if (method === 'DELETE') {
      this.left.push(url)
      response.writeHead(204).end()
    } else if (url === '/v1/proxies') {
      const join = proxyJoinSchema.parse(await bodyOf(request))
      if (this.refuses) {
        const error = { code: 'FORBIDDEN', message: 'Cannot let you in: no' }
        response.writeHead(403, { 'content-type': 'application/json' })
        response.end(JSON.stringify({ error }))
        return
      }
      this.joins.push(join)
      send(response, { epoch: 1, leaseMs: 5_000 })
    } else {
      send(response, { epoch: 1, permits: {}, wantJoin: !this.#hear(await bodyOf(request)) })
    }
  }

  #hear(body: unknown): boolean {
    const sent = measurementsSchema.parse(body)
    if (sent.boot !== this.boot) return false
    const again = this.reports.some(({ boot, seq }) => boot === sent.boot && seq === sent.seq)
    if (!again) this.reports.push(sent)
    this.heard.push(sent)
    return true
  }

  #routes(response: ServerResponse, after: string): void {
    this.#waiting.set(response, after)
    if (this.seq === 0 || after === `1.${this.seq}`) return
    this.#waiting.delete(response)
    const revision = { epoch: 1, seq: this.seq }
    send(response, { revision, snapshot: true, fragments: this.#fragments, removed: [] })
  }
}

function send(response: ServerResponse, value: object): void {
  const text = JSON.stringify({ wire: WIRE_VERSION, ...value })
  response.writeHead(200, { 'content-type': 'application/json' }).end(text)
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}
