import type { Exchange } from '../exchange.ts'
import { cookieToSet } from '../sticky-cookie.ts'
import { AnswerBody } from './answer-body.ts'
import type { ClientConnection } from './client-connection.ts'
import type { EngineParts } from './engine-parts.ts'
import type { ResponseHead } from './parsing/response-head.ts'
import type { AnswerShape } from './response-writer.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** The request that is being answered. */
export interface Answered {
  readonly exchange: Exchange
  /** The replica was asked for a head alone. */
  readonly isHead: boolean
  /** The client expects a body all the same. */
  readonly wantsBodyOfHead: boolean
  /** All of it is with the replica. */
  readonly isSent: boolean
  /** Its answer is out, or was cut. */
  answered(complete: boolean): void
}

const NO_CONTENT = 204
const MUCH_BYTES = 65_536

/** Brings an answer to the client as it comes, at the pace of the slower side. */
export class AnswerRelay {
  readonly #client: ClientConnection
  readonly #upstream: UpstreamConnection
  readonly #parts: EngineParts
  readonly #request: Answered
  readonly #body: AnswerBody
  readonly #status: number
  readonly #keepsUpstream: boolean
  readonly #asChunks: boolean
  /** Where the answer's last part lies that could not be written yet. */
  #later: Buffer | undefined = undefined
  #laterFrom = 0
  #laterTo = 0
  #surplus = false
  isGivenBack = false

  constructor(
    client: ClientConnection,
    upstream: UpstreamConnection,
    request: Answered,
    head: ResponseHead,
  ) {
    this.#client = client
    this.#upstream = upstream
    this.#parts = upstream.parts
    this.#request = request
    this.#body = new AnswerBody(head, request.isHead)
    this.#status = head.status
    this.#keepsUpstream = head.keepAlive && !this.#body.endsWithConnection
    this.#asChunks = this.#body.isChunked && client.minor === 1
  }

  /** Sends the head, and what of the body came with it. */
  begin(head: ResponseHead, bytes: Buffer, from: number, to: number): void {
    const body = this.#body
    // What of the request is left unread, and a body without an end, end the connection.
    const unended = body.endsWithConnection || (body.isChunked && !this.#asChunks)
    if (!this.#request.isSent || unended || this.#parts.isClosing) this.#client.keepAlive = false
    if (body.left > MUCH_BYTES) this.#upstream.expectMuch()
    this.#arm()
    const taken = body.take(bytes, head.end, to)
    if (body.isBroken) {
      this.cut()
      return
    }
    this.#surplus = head.end + taken < to
    const shape = this.#shape(head)
    const piece = body.rewritten(this.#asChunks)
    if (shape === undefined && piece === undefined) {
      this.#write(bytes, from, head.end + taken)
    } else {
      this.#parts.responseWriter.write(bytes, from, head, shape ?? this.#plain())
      if (piece !== undefined) this.#behindHead(piece, 0, piece.length)
      else this.#behindHead(bytes, head.end, head.end + taken)
    }
    this.#advance()
  }

  more(bytes: Buffer, from: number, to: number): void {
    const body = this.#body
    if (body.isComplete) {
      this.#surplus = true
      return
    }
    this.#arm()
    const taken = body.take(bytes, from, to)
    if (body.isBroken) {
      this.cut()
      return
    }
    this.#surplus = from + taken < to
    const piece = body.rewritten(this.#asChunks)
    if (piece !== undefined) this.#write(piece, 0, piece.length)
    else this.#write(bytes, from, from + taken)
    this.#advance()
  }

  /** The client has what was pending. */
  drained(): void {
    const later = this.#later
    this.#later = undefined
    if (later !== undefined && !this.#client.write(later, this.#laterFrom, this.#laterTo)) return
    if (this.#body.isComplete) {
      this.#complete()
      return
    }
    this.#arm()
    this.#upstream.resume()
  }

  /** The replica sends nothing more: the end of a body that has no other, else a cut. */
  ended(): void {
    if (!this.#body.endsWithConnection) {
      this.cut()
      return
    }
    this.#upstream.destroy()
    this.#finish()
    this.#request.answered(true)
  }

  /** The answer cannot be finished: the client is cut as well, never left waiting. */
  cut(): void {
    if (this.#body.isComplete) return
    this.#request.exchange.finish(this.#lasting ? 'lasting' : 'failed', this.#status)
    this.#request.answered(false)
  }

  get #lasting(): boolean {
    return this.#request.exchange.isLasting
  }

  /** How the head is to be changed; undefined when it may be passed on as it is. */
  #shape(head: ResponseHead): AnswerShape | undefined {
    const { exchange } = this.#request
    const { fragment } = exchange.service
    const cookie = cookieToSet(fragment, this.#upstream.replica, exchange.affinity)
    const connection = this.#connection()
    const length = this.#length(head)
    const asItIs = !head.hasHopByHop && head.minor === 1 && length === 'told'
    const adds = connection !== 'unsaid' || cookie !== undefined
    if (asItIs && !adds && this.#asChunks === head.chunked) return undefined
    return { chunked: this.#asChunks, length, connection, cookie }
  }

  #length(head: ResponseHead): AnswerShape['length'] {
    if (this.#request.wantsBodyOfHead) return 'zero'
    // A length that no body follows would leave the client waiting for one.
    return head.status === NO_CONTENT && head.contentLength >= 0 ? 'untold' : 'told'
  }

  #plain(): AnswerShape {
    return { chunked: this.#asChunks, length: 'told', connection: 'unsaid', cookie: undefined }
  }

  #connection(): AnswerShape['connection'] {
    if (!this.#client.keepAlive) return 'close'
    return this.#client.minor === 0 ? 'keep-alive' : 'unsaid'
  }

  /** The head just written and the body's beginning leave at once where they fit together. */
  #behindHead(bytes: Buffer, from: number, to: number): void {
    const writer = this.#parts.responseWriter
    const together = writer.append(bytes, from, to)
    const sent = this.#client.write(writer.bytes, 0, writer.length)
    if (!sent) writer.leave()
    if (together) {
      this.#slow(!sent)
      return
    }
    if (sent) {
      this.#write(bytes, from, to)
      return
    }
    this.#later = bytes
    this.#laterFrom = from
    this.#laterTo = to
    this.#slow(true)
  }

  #write(bytes: Buffer, from: number, to: number): void {
    if (from < to) this.#slow(!this.#client.write(bytes, from, to))
  }

  /** What is pending lies in the memory that the replica's connection reads into. */
  #slow(pending: boolean): void {
    if (!pending) return
    this.#upstream.dueAtMs = Number.POSITIVE_INFINITY
    this.#upstream.pause()
  }

  #advance(): void {
    if (this.#body.isComplete && !this.#client.isPending) this.#complete()
  }

  #complete(): void {
    const upstream = this.#upstream
    const isReusable = this.#keepsUpstream && this.#request.isSent && !this.#surplus
    if (isReusable && upstream.isOpen && !upstream.isPending) {
      upstream.resume()
      this.isGivenBack = true
      this.#parts.upstreams.giveBack(upstream, this.#parts.deadlines.nowMs)
    } else {
      upstream.destroy()
    }
    this.#finish()
    this.#request.answered(true)
  }

  #finish(): void {
    const { exchange } = this.#request
    if (this.#lasting) exchange.finish('lasting', this.#status)
    else exchange.finish(this.#status < 500 ? 'answered' : 'failed', this.#status)
  }

  #arm(): void {
    const { lastingIdleMs, bodyIdleMs } = this.#parts.limits
    const idleMs = this.#lasting ? lastingIdleMs : bodyIdleMs
    this.#upstream.dueAtMs = this.#parts.deadlines.nowMs + idleMs
  }
}
