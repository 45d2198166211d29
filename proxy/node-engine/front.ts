import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { RequestError } from '../../shared/errors.ts'
import { valuesOf } from '../decide/headers.ts'
import type { Destination } from '../decide/route-index.ts'
import { type Asked, askedOf } from '../decide/target.ts'
import { UNROUTED } from '../totals.ts'
import type { Forwarding } from './asking.ts'
import { openEnvelope } from './envelope-door.ts'
import { forward } from './forward.ts'
import { type Client, hasBody, passedOn, withRequestId } from './inbound.ts'
import { answerOwn, type OwnAnswer, unavailable } from './own-answer.ts'
import { wantsWebSocket } from './tunnel.ts'
import { upgrade } from './upgrade.ts'

const ENVELOPE_PATH = '/proxy'
const METHODS_REFUSED = new Set(['CONNECT', 'TRACE'])

/** Where requests come in: each is checked, routed and handed on, or answered with why not. */
export class Front {
  readonly #forwarding: Forwarding
  readonly #underWay = new Set<ServerResponse>()
  #closing = false

  constructor(forwarding: Forwarding) {
    this.#forwarding = forwarding
  }

  get inFlight(): number {
    return this.#underWay.size
  }

  /** From now on every answer ends its connection. */
  startClosing(): void {
    this.#closing = true
    for (const response of this.#underWay) {
      if (!response.headersSent) response.shouldKeepAlive = false
    }
  }

  async request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#closing) response.shouldKeepAlive = false
    const asked = this.#admitted(request, response)
    if (asked === undefined) return
    this.#underWay.add(response)
    try {
      await this.#handle({ request, response }, asked)
    } finally {
      this.#underWay.delete(response)
    }
  }

  /** Any other protocol than a WebSocket is ignored, as if it had not been offered. */
  async upgrade(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    const response = new ServerResponse(request)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.on('finish', () => socket.destroySoon())
    if (hasBody(request)) {
      const message = 'Cannot upgrade the connection: the request has a body'
      return answerOwn(response, { status: 400, code: 'BAD_REQUEST', message })
    }
    if (!wantsWebSocket(request)) return this.request(request, response)
    const asked = this.#admitted(request, response)
    if (asked === undefined) return
    const destination = this.#destination(asked, response)
    if (destination === undefined) return
    this.#underWay.add(response)
    await upgrade({ request, response, socket, head }, destination, this.#forwarding)
    this.#underWay.delete(response)
  }

  async #handle(client: Client, asked: Asked): Promise<void> {
    const { table } = this.#forwarding.traffic
    if (isEnvelope(client.request, asked) && !table.claims(asked.host, asked.target)) {
      return this.#open(client)
    }
    const destination = this.#destination(asked, client.response)
    if (destination === undefined) return
    const passed = passedOn(client, destination.target)
    const inbound = { ...passed, headers: withRequestId(passed.headers) }
    await forward(inbound, destination.fragment, this.#forwarding)
  }

  async #open(client: Client): Promise<void> {
    const opened = await openEnvelope(client, this.#forwarding.traffic.table).catch(asError)
    if (!(opened instanceof Error)) {
      return forward(opened.inbound, opened.fragment, this.#forwarding)
    }
    const { request, response } = client
    if (opened instanceof RequestError) {
      const { status, code, message } = opened
      this.#answer(response, { status, code, message, close: !request.complete })
    } else {
      // The client left in the middle of its envelope.
      response.destroy()
    }
  }

  #destination(asked: Asked, response: ServerResponse): Destination | undefined {
    const { table } = this.#forwarding.traffic
    const destination = table.match(asked.host, asked.target)
    if (destination !== undefined) return destination
    const where = `${asked.host}${asked.target.split('?')[0]}`.slice(0, 256)
    const known = table.revision !== undefined
    const nothing = {
      status: 404,
      code: 'NO_ROUTE',
      message: `Cannot route "${where}": no service has it`,
    }
    const early = unavailable(`Cannot route "${where}": the routing table has not arrived yet`)
    this.#answer(response, { ...(known ? nothing : early), close: hasBody(response.req) })
    return undefined
  }

  /** What the request asks for; undefined when it was answered, because it may not come in. */
  #admitted(request: IncomingMessage, response: ServerResponse): Asked | undefined {
    const { limits } = this.#forwarding
    const asked = askedOf(request.url ?? '', valuesOf(request.rawHeaders, 'host'))
    const reason = refusal(request, asked, {
      headersMax: limits.headersMax,
      full: this.#underWay.size >= limits.requestsMax,
    })
    if (reason === undefined) return asked
    this.#answer(response, { ...reason, close: true })
    return undefined
  }

  #answer(response: ServerResponse, answer: OwnAnswer): void {
    this.#forwarding.traffic.totals.answered(UNROUTED, UNROUTED, answer.status)
    answerOwn(response, answer)
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}

function isEnvelope({ method }: IncomingMessage, { target }: Asked): boolean {
  return method === 'POST' && target === ENVELOPE_PATH
}

function refusal(
  { method = '', rawHeaders }: IncomingMessage,
  asked: Asked | undefined,
  { headersMax, full }: { readonly headersMax: number; readonly full: boolean },
): OwnAnswer | undefined {
  if (rawHeaders.length / 2 > headersMax) {
    const message = `Cannot take the request: it has more than ${headersMax} headers`
    return { status: 431, code: 'TOO_MANY_HEADERS', message }
  }
  if (METHODS_REFUSED.has(method)) {
    const message = `Cannot take the request: ${method} is not passed on`
    return { status: 405, code: 'METHOD_NOT_ALLOWED', message }
  }
  if (asked === undefined) {
    const message = 'Cannot take the request: its target or its Host is not valid'
    return { status: 400, code: 'BAD_REQUEST', message }
  }
  return full ? unavailable('Cannot take the request: too many are under way') : undefined
}
