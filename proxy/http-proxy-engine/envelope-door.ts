import type { IncomingMessage } from 'node:http'
import { RequestError } from '../../shared/errors.ts'
import { type Envelope, parseEnvelope } from '../decide/envelope.ts'
import { type OwnAnswer, rejection } from '../http1/own-answer.ts'
import { isIdempotent } from '../http1/parsing/methods.ts'
import { Call } from './call.ts'
import type { EngineParts } from './engine-parts.ts'
import { ENVELOPE_BYTES_MAX, EnvelopeReading, type EnvelopeText } from './envelope-reading.ts'
import type { Outbound } from './outbound.ts'
import { replyOwn } from './own-reply.ts'
import type { Peer, RequestReader } from './request-reader.ts'
import type { Client } from './upload.ts'

/** `POST /proxy`: reads the request inside the request, and then carries that one. */
export class EnvelopeDoor {
  readonly #parts: EngineParts
  readonly #reader: RequestReader

  constructor(parts: EngineParts, reader: RequestReader) {
    this.#parts = parts
    this.#reader = reader
  }

  async open(client: Client, host: string, peer: Peer): Promise<void> {
    const read = await this.#read(client.request)
    if (read.kind === 'cut') {
      client.response.destroy()
      return
    }
    try {
      const envelope = parseEnvelope(textOf(read))
      const service = this.#serviceOf(envelope)
      const route = this.#parts.traffic.table.routeOf(service.id, envelope.target)
      const outbound = { ...this.#outbound(envelope, host, peer), route }
      new Call(client, outbound, service, this.#parts).begin()
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      const { status, code, message } = error
      this.#refuse(client, { status, code, message })
    }
  }

  async #read(request: IncomingMessage): Promise<EnvelopeText> {
    const { connections, limits } = this.#parts
    const reading = new EnvelopeReading(request, limits.totalTimeoutMs)
    connections.join(request.socket, reading)
    const read = await reading.end
    connections.leave(request.socket, reading)
    return read
  }

  #serviceOf({ name }: Envelope) {
    const { traffic } = this.#parts
    const fragment = traffic.table.find(name)
    if (fragment !== undefined) return traffic.of(fragment)
    throw new RequestError(404, 'NOT_FOUND', `Cannot find service "${name.slice(0, 128)}"`)
  }

  /** The request inside goes the same way as any other: it is read and written by the same rules. */
  #outbound(envelope: Envelope, host: string, peer: Peer): Omit<Outbound, 'route'> {
    const { method, target, body } = envelope
    const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
    const rawHeaders = ['Host', host, ...envelope.headers, ...length]
    if (this.#reader.read({ method, url: target, httpVersion: '1.1', rawHeaders }) !== 0) {
      const message = 'Cannot forward the request: what it asks for makes no valid HTTP request'
      throw new RequestError(400, 'BAD_ENVELOPE', message)
    }
    return {
      method,
      target,
      headers: this.#reader.passedOn({ host, target }, peer),
      body: body === undefined ? { kind: 'none' } : { kind: 'bytes', bytes: Buffer.from(body) },
      idempotent: isIdempotent(method),
      affinity: undefined,
    }
  }

  #refuse({ request, response }: Client, answer: OwnAnswer): void {
    if (!request.complete || this.#parts.isClosing) response.shouldKeepAlive = false
    this.#parts.traffic.totals.unrouted(answer.status)
    replyOwn(response, answer)
  }
}

function textOf(read: Exclude<EnvelopeText, { kind: 'cut' }>): string {
  switch (read.kind) {
    case 'text':
      return read.text
    case 'too-large': {
      const limit = `the body is larger than ${ENVELOPE_BYTES_MAX} bytes`
      throw new RequestError(413, 'TOO_LARGE', `Cannot forward the request: ${limit}`)
    }
    case 'late':
      throw rejected(408)
    case 'broken':
      throw rejected(400)
  }
}

function rejected(because: number): RequestError {
  const { status, code, message } = rejection(because)
  return new RequestError(status, code, message)
}
