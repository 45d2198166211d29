import { type Agent, type ClientRequest, IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Stream } from 'node:stream'
import httpProxy from 'http-proxy'
import type { Fields } from './fields.ts'

/** A request as the package is to see it. */
export interface Carried {
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
  /** It is to be asked; nothing of it is written. Its body is not sent by the package. */
  asking(asked: ClientRequest): void
  /** The head of the answer came; as it is changed now, the package passes it on. */
  answered(answer: IncomingMessage): void
  /** It failed, perhaps after the answer began; perhaps told again. */
  failed(): void
}

export interface UpgradeHearer {
  asking(asked: ClientRequest): void
  /** The upgrade is refused. Answers whether the package may pass that on. */
  refused(answer: IncomingMessage): boolean
  /** Answers whether the package may pass the 101 on, and join the connections. */
  switched(answer: IncomingMessage, upstream: Socket): boolean
  failed(): void
}

/** A client's connection that is to become another protocol's. */
export interface Upgrading {
  readonly socket: Socket
  /** What it said already, behind the head of the request. */
  readonly early: Buffer
}

/** The package http-proxy: it moves heads and bytes. Whom it asks, and for what, is decided here. */
export class Carrier {
  readonly #proxy = httpProxy.createProxyServer()
  readonly #headerBytesMax: number
  readonly #hearers = new WeakMap<IncomingMessage, Hearer>()
  #upgrade: ClientRequest | undefined = undefined

  constructor(headerBytesMax: number) {
    this.#headerBytesMax = headerBytesMax
    this.#proxy.on('proxyRes', (answer, request) => this.#hearers.get(request)?.answered(answer))
    this.#proxy.on('proxyReqWs', (asked) => {
      this.#upgrade = asked
    })
  }

  web(carried: Carried, response: ServerResponse, way: Way, hearer: Hearer): void {
    const request = requestOf(carried, response.req.socket)
    this.#hearers.set(request, hearer)
    const options = { ...this.#options(way), buffer: bodyOf(hearer) }
    this.#proxy.web(request, response, options, () => hearer.failed())
  }

  ws(carried: Carried, { socket, early }: Upgrading, way: Way, hearer: UpgradeHearer): void {
    const request = requestOf(carried, socket)
    this.#proxy.ws(request, socket, early, this.#options(way), () => hearer.failed())
    const asked = this.#upgrade
    this.#upgrade = undefined
    if (asked === undefined) return hearer.failed()
    guard(asked, hearer)
    hearer.asking(asked)
  }

  #options({ host, port, agent }: Way): httpProxy.ServerOptions {
    return {
      target: { host, port },
      agent,
      // Else the target would be read as a URL, and be written in another way.
      toProxy: true,
      // The package adds to these what it asks with, whatever the protocol: they are for one use.
      ssl: { maxHeaderSize: this.#headerBytesMax },
    }
  }
}

/** A request of its own for each asking: the package changes it, and leaves its listeners on it. */
function requestOf({ method, target, headers }: Carried, socket: Socket): IncomingMessage {
  const request = new IncomingMessage(socket)
  request.method = method
  request.url = target
  request.httpVersion = '1.1'
  request.headers = { ...headers }
  return request
}

/** The package would read the client's body before there is a connection that takes it. */
function bodyOf(hearer: Hearer): Stream {
  const pipe = (asked: ClientRequest): ClientRequest => {
    hearer.asking(asked)
    return asked
  }
  return Object.assign(new Stream(), { pipe })
}

/** The package passes on any answer as it is, and opens a tunnel for any 101. */
function guard(asked: ClientRequest, hearer: UpgradeHearer): void {
  const [refuse] = asked.listeners('response')
  const [join] = asked.listeners('upgrade')
  asked.removeAllListeners('response')
  asked.removeAllListeners('upgrade')
  asked.on('response', (answer) => {
    if (hearer.refused(answer)) refuse?.call(asked, answer)
  })
  asked.on('upgrade', (answer, upstream, early) => {
    if (hearer.switched(answer, upstream)) join?.call(asked, answer, upstream, early)
  })
}
