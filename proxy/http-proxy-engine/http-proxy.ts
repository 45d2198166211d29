import { type Agent, type ClientRequest, IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Stream } from 'node:stream'
import httpProxy from 'http-proxy'
import type { Fields } from './fields.ts'

/** A request as the package is to see it. */
export interface Question {
  readonly method: string
  readonly target: string
  readonly headers: Fields
}

/** Whom the package is to ask, over which connections. */
export interface Way {
  readonly host: string
  readonly port: number
  readonly agent: Agent | false
}

/** Hears what becomes of a request. */
export interface Hearer {
  /** It is to be asked; nothing of it is written. Its body is the hearer's to send. */
  asking(asked: ClientRequest): void
  /**
   * The head of the answer came; as it is left now, the package passes it on. Answers whether it
   * may: if not, the client has its answer already.
   */
  answered(answer: IncomingMessage): boolean
  /** It failed, perhaps after the answer began; perhaps told again. */
  failed(): void
}

/** A client's connection that is to become another protocol's. */
export interface Upgrading {
  readonly socket: Socket
  /** What it said already, behind the head of the request. */
  readonly early: Buffer
  /** The answer was a 101: what one connection says the other hears. */
  joined(upstream: Socket): void
}

/** The package http-proxy: it moves heads and bytes. Whom it asks, and for what, is decided here. */
export class HttpProxy {
  readonly #proxy = httpProxy.createProxyServer()
  readonly #headerBytesMax: number
  readonly #hearers = new WeakMap<IncomingMessage, Hearer>()
  #upgrade: ClientRequest | undefined = undefined

  constructor(headerBytesMax: number) {
    this.#headerBytesMax = headerBytesMax
    this.#proxy.on('proxyRes', (answer, request) => this.#hearers.get(request)?.answered(answer))
    this.#proxy.on('proxyReqWs', (asked, request) => {
      this.#upgrade = asked
      this.#hearers.get(request)?.asking(asked)
    })
  }

  web(question: Question, response: ServerResponse, way: Way, hearer: Hearer): void {
    const request = this.#requestOf(question, response.req.socket, hearer)
    const options = { ...this.#options(way), buffer: bodyOf(hearer) }
    this.#proxy.web(request, response, options, () => hearer.failed())
  }

  ws(question: Question, client: Upgrading, way: Way, hearer: Hearer): void {
    const { socket, early } = client
    const request = this.#requestOf(question, socket, hearer)
    this.#proxy.ws(request, socket, early, this.#options(way), () => hearer.failed())
    if (this.#upgrade !== undefined) guard(this.#upgrade, client, hearer)
    this.#upgrade = undefined
  }

  /** One of its own for each asking: the package changes it, and leaves its listeners on it. */
  #requestOf({ method, target, headers }: Question, socket: Socket, hearer: Hearer) {
    const request = new IncomingMessage(socket)
    request.method = method
    request.url = target
    request.httpVersion = '1.1'
    request.headers = { ...headers }
    this.#hearers.set(request, hearer)
    return request
  }

  #options({ host, port, agent }: Way): httpProxy.ServerOptions {
    return {
      target: { host, port },
      agent,
      // Else the target would be read as a URL, and be written in another way.
      toProxy: true,
      preserveHeaderKeyCase: true,
      // The package adds to these what it asks with, whatever the protocol: they are for one use.
      ssl: { maxHeaderSize: this.#headerBytesMax },
    }
  }
}

/** The package would read the client's body before there is a connection that takes it. */
function bodyOf(hearer: Hearer): Stream {
  const pipe = (asked: ClientRequest): ClientRequest => {
    // Nobody asked for another protocol; unheard, this would look like silence.
    asked.on('upgrade', (_answer, upstream) => {
      upstream.destroy()
      hearer.failed()
    })
    hearer.asking(asked)
    return asked
  }
  return Object.assign(new Stream(), { pipe })
}

/**
 * Hears of an upgrade before the package does: it would end the client's connection with any
 * failure, pass on any answer as it is, and open a tunnel for any 101.
 */
function guard(asked: ClientRequest, client: Upgrading, hearer: Hearer): void {
  const [passOn] = asked.listeners('response')
  const [join] = asked.listeners('upgrade')
  for (const event of ['error', 'response', 'upgrade']) asked.removeAllListeners(event)
  asked.on('error', () => hearer.failed())
  asked.on('response', (answer) => {
    if (hearer.answered(answer)) passOn?.call(asked, answer)
  })
  asked.on('upgrade', (answer, upstream, early) => {
    if (!hearer.answered(answer)) {
      upstream.destroy()
      return
    }
    join?.call(asked, answer, upstream, early)
    client.joined(upstream)
  })
}
