import { RequestError } from '../../shared/errors.ts'
import { type Envelope, parseEnvelope } from '../decide/envelope.ts'
import type { RouteClass } from '../decide/route-index.ts'
import { Call } from './call.ts'
import type { ClientConnection } from './client-connection.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Handling } from './handling.ts'
import { KeptBytes } from './kept-bytes.ts'
import { CONTINUE, type OwnAnswer, rejection } from './own-answer.ts'
import { isIdempotent } from './parsing/methods.ts'
import { parseRequestHead, textOf } from './parsing/request-head.ts'
import { RequestBody } from './request-body.ts'
import { requestBytesMax } from './request-writer.ts'
import type { Outbound } from './upload.ts'

const BODY_BYTES_MAX = 1_000_000

/** `POST /proxy`: reads the request inside the request, and then carries that one. */
export class EnvelopeReader implements Handling {
  readonly isAnswering = false
  readonly isTunnel = false
  readonly #client: ClientConnection
  readonly #parts: EngineParts
  readonly #body: RequestBody
  readonly #host: string
  readonly #text = new KeptBytes()
  #over = false

  constructor(client: ClientConnection, parts: EngineParts, bytes: Buffer) {
    const { requestHead: head } = parts
    this.#client = client
    this.#parts = parts
    this.#body = RequestBody.of(head.contentLength, head.chunked)
    this.#host = textOf(bytes, head.hostFrom, head.hostTo)
    if (head.expectsContinue) client.write(CONTINUE, 0, CONTINUE.length)
  }

  get wantsBody(): boolean {
    return !this.#over && !this.#body.isComplete
  }

  begin(bytes: Buffer, from: number, to: number): number {
    if (from < to) return this.fromClient(bytes, from, to)
    if (this.#body.isComplete) this.#open()
    return 0
  }

  fromClient(bytes: Buffer, from: number, to: number): number {
    const taken = this.#body.take(bytes, from, to)
    if (this.#body.isBroken) {
      this.#refuse(rejection(400))
      return taken
    }
    const data = this.#body.data ?? bytes.subarray(from, from + taken)
    if (this.#text.length + data.length > BODY_BYTES_MAX) {
      const message = `Cannot forward the request: the body is larger than ${BODY_BYTES_MAX} bytes`
      this.#refuse({ status: 413, code: 'TOO_LARGE', message })
      return taken
    }
    this.#text.append(data, 0, data.length)
    if (this.#body.isComplete) this.#open()
    return taken
  }

  clientDrained(): void {
    // Nothing of an answer is written before all of it was read.
  }

  clientIsSlow(): void {
    // No replica has anything of it yet.
  }

  clientEnded(): boolean {
    return this.#body.isComplete
  }

  gone(): void {
    this.#over = true
    this.#text.clear()
  }

  expire(): void {
    this.#refuse(rejection(408))
  }

  #open(): void {
    try {
      this.#forward(parseEnvelope(this.#text.bytes.toString('utf8', 0, this.#text.length)))
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      const { status, code, message } = error
      this.#refuse({ status, code, message })
    }
  }

  #forward(envelope: Envelope): void {
    const { traffic } = this.#parts
    const fragment = traffic.table.find(envelope.name)
    if (fragment === undefined) {
      const name = envelope.name.slice(0, 128)
      throw new RequestError(404, 'NOT_FOUND', `Cannot find service "${name}"`)
    }
    this.#text.clear()
    this.#over = true
    const route = traffic.table.routeOf(fragment.service, envelope.target)
    const out = this.#outbound(envelope, route)
    this.#client.handOver(new Call(this.#client, this.#parts, traffic.of(fragment), out))
  }

  /** The request inside goes the same way as any other: written as bytes, read, written again. */
  #outbound(envelope: Envelope, route: RouteClass | undefined): Outbound {
    const { method, body } = envelope
    const { requestHead: head, requestWriter, outgoing, limits } = this.#parts
    const bytes = headOf(envelope, this.#host)
    const end = parseRequestHead(bytes, 0, bytes.length, head, limits)
    if (end <= 0) {
      const message = 'Cannot forward the request: what it asks for makes no valid HTTP request'
      throw new RequestError(400, 'BAD_ENVELOPE', message)
    }
    const { introduction } = this.#client
    const passing = {
      target: undefined,
      host: undefined,
      upgrades: false,
      trusted: false,
      introduction,
      heads: undefined,
    }
    const content = Buffer.from(body ?? '')
    const into = outgoing.lease(requestBytesMax(head, passing) + content.length)
    const length = requestWriter.write(bytes, head, passing, into)
    content.copy(into, length)
    return {
      bytes: into,
      length: length + content.length,
      body: RequestBody.none,
      idempotent: isIdempotent(method),
      isHead: method === 'HEAD',
      wantsBodyOfHead: method === 'HEAD',
      upgrades: false,
      awaitsContinue: false,
      affinity: undefined,
      route,
    }
  }

  #refuse(answer: OwnAnswer): void {
    if (!this.#body.isComplete) this.#client.keepAlive = false
    this.gone()
    this.#parts.traffic.totals.unrouted(answer.status)
    this.#client.answerOwn(answer, false)
  }
}

function headOf({ method, target, headers, body }: Envelope, host: string): Buffer {
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`]
  for (let at = 0; at + 1 < headers.length; at += 2)
    lines.push(`${headers[at]}: ${headers[at + 1]}`)
  if (body !== undefined) lines.push(`Content-Length: ${Buffer.byteLength(body)}`)
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}
