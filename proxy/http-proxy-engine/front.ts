import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Destination } from '../decide/route-index.ts'
import type { Asked } from '../http1/asked.ts'
import { type OwnAnswer, rejection, unavailable } from '../http1/own-answer.ts'
import { isIdempotent } from '../http1/parsing/methods.ts'
import { remoteAddressOf } from '../http1/transports/remote-address.ts'
import { Call } from './call.ts'
import { refuse } from './connections.ts'
import type { EngineParts } from './engine-parts.ts'
import { EnvelopeDoor } from './envelope-door.ts'
import type { Body, Outbound } from './outbound.ts'
import { replyOwn } from './own-reply.ts'
import { type Peer, RequestReader } from './request-reader.ts'
import { Upgrade, type UpgradeClient } from './upgrade.ts'
import type { Client } from './upload.ts'

const ENVELOPE_PATH = '/proxy'
const SHOWN_MAX = 256

/** Says the proxy's own answer to a client, wherever its request has come to. */
type Reply = (answer: OwnAnswer) => void

/** Where requests come in: each is routed and handed on, or answered with why not. */
export class Front {
  readonly #parts: EngineParts
  readonly #reader: RequestReader
  readonly #envelopes: EnvelopeDoor

  constructor(parts: EngineParts) {
    this.#parts = parts
    this.#reader = new RequestReader(parts.limits)
    this.#envelopes = new EnvelopeDoor(parts, this.#reader)
  }

  request(request: IncomingMessage, response: ServerResponse): void {
    this.#parts.connections.inTurn(response, () => this.#take({ request, response }))
  }

  upgrade(request: IncomingMessage, socket: Socket, early: Buffer): void {
    // From here on node leaves it alone: without a listener any error would end the program.
    socket.on('error', () => socket.destroy())
    if (this.#parts.connections.isBusy(socket)) {
      // Its answer would come in between those to the requests before it.
      socket.destroy()
      return
    }
    const reply: Reply = (answer) => this.#replyOn(socket, answer)
    const asked = this.#admitted(request, reply)
    if (asked === undefined) return
    if (this.#reader.head.hasBody) {
      // Node took the body for the other protocol's, and will not read it any more.
      reply(rejection(400))
    } else if (this.#reader.head.upgradesToWebSocket) {
      this.#join({ socket, early }, asked, reply)
    } else {
      this.#ignoreOffer(request, socket)
    }
  }

  /** What is no request to a service ends its connection, of which node hears nothing any more. */
  refuse(socket: Socket, status: number): void {
    socket.on('error', () => socket.destroy())
    this.#replyOn(socket, rejection(status))
  }

  #take(client: Client): void {
    const { request, response } = client
    if (this.#parts.isClosing) response.shouldKeepAlive = false
    const reply: Reply = (answer) => this.#reply(client, answer)
    const asked = this.#admitted(request, reply)
    if (asked === undefined) return
    if (this.#isEnvelope(asked)) {
      this.#open(client, asked)
      return
    }
    const destination = this.#destination(asked, reply)
    if (destination === undefined) return
    const out = this.#outbound(asked, destination, peerOf(request.socket))
    new Call(client, out, this.#parts.traffic.of(destination.fragment), this.#parts).begin()
  }

  #join(client: UpgradeClient, asked: Asked, reply: Reply): void {
    const destination = this.#destination(asked, reply)
    if (destination === undefined) return
    const out = this.#outbound(asked, destination, peerOf(client.socket))
    new Upgrade(client, out, this.#parts.traffic.of(destination.fragment), this.#parts).begin()
  }

  /** Any other protocol would be a way around what the proxy checks: it was never offered. */
  #ignoreOffer(request: IncomingMessage, socket: Socket): void {
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on('finish', () => socket.destroySoon())
    socket.on('timeout', () => response.emit('timeout', socket))
    this.#take({ request, response })
  }

  /** What the request asks for; undefined when it was answered, because it may not come in. */
  #admitted(request: IncomingMessage, reply: Reply): Asked | undefined {
    const { limits, underWay } = this.#parts
    const status = this.#reader.read(request)
    if (status !== 0) {
      reply(rejection(status))
    } else if (underWay >= limits.requestsMax) {
      const answer = unavailable('Cannot take the request: too many are under way')
      reply({ ...answer, code: 'TOO_MANY_REQUESTS' })
    } else {
      return this.#reader.asked
    }
    return undefined
  }

  #isEnvelope({ host, target }: Asked): boolean {
    if (this.#reader.head.method !== 'POST' || target !== ENVELOPE_PATH) return false
    return !this.#parts.traffic.table.claims(host, target)
  }

  #open(client: Client, { host }: Asked): void {
    if (this.#reader.head.expectsContinue) client.response.writeContinue()
    void this.#envelopes.open(client, host, peerOf(client.request.socket))
  }

  #destination({ host, target }: Asked, reply: Reply): Destination | undefined {
    const { table } = this.#parts.traffic
    const destination = table.match(host, target)
    if (destination !== undefined) return destination
    const where = `${host}${target.split('?')[0]}`.slice(0, SHOWN_MAX)
    if (table.revision === undefined) {
      const early = unavailable(`Cannot route "${where}": the routing table has not arrived yet`)
      reply({ ...early, code: 'NO_TABLE' })
    } else {
      const message = `Cannot route "${where}": no service has it`
      reply({ status: 404, code: 'NO_ROUTE', message })
    }
    return undefined
  }

  #outbound(asked: Asked, { fragment, target, route }: Destination, peer: Peer): Outbound {
    const { method } = this.#reader.head
    return {
      method,
      target,
      headers: this.#reader.passedOn(asked, peer),
      body: this.#body(),
      idempotent: isIdempotent(method),
      affinity: this.#reader.affinity(fragment, peer),
      route,
    }
  }

  #body(): Body {
    const { hasBody, chunked, expectsContinue } = this.#reader.head
    if (!hasBody) return { kind: 'none' }
    return { kind: 'stream', chunked, awaitsContinue: expectsContinue }
  }

  #reply({ request, response }: Client, answer: OwnAnswer): void {
    this.#parts.traffic.totals.unrouted(answer.status)
    const isRefused = answer.status !== 404 && answer.status !== 503
    if (isRefused || !request.complete || this.#reader.head.hasBody) {
      response.shouldKeepAlive = false
    }
    replyOwn(response, answer)
  }

  #replyOn(socket: Socket, answer: OwnAnswer): void {
    this.#parts.traffic.totals.unrouted(answer.status)
    refuse(socket, answer)
  }
}

function peerOf(socket: Socket): Peer {
  return { address: remoteAddressOf(socket), secure: socket instanceof TLSSocket }
}
