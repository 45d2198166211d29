import type { RouteClass } from '../decide/route-index.ts'
import type { EngineParts } from './engine-parts.ts'
import { KeptBytes } from './kept-bytes.ts'
import type { RequestBody } from './request-body.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** A request as it is asked of a replica: its bytes, and what may be done with it. */
export interface Outbound {
  /** Memory for its head and what of the body is at hand: kept until it is answered. */
  readonly bytes: Buffer
  /** How much of it is written. */
  readonly length: number
  readonly body: RequestBody
  /** Asking twice does no more than asking once. */
  readonly idempotent: boolean
  readonly isHead: boolean
  /** The client did not ask with HEAD itself. */
  readonly wantsBodyOfHead: boolean
  readonly upgrades: boolean
  readonly awaitsContinue: boolean
  readonly affinity: string | undefined
  readonly route: RouteClass | undefined
}

/** A body is gathered up to this before a replica is asked to take it. */
export const GATHERED_MAX = 65_536

/** Whose body it is: its connection is read at the pace of the replica. */
export interface Uploader {
  pause(): void
  resume(): void
}

/** The bytes of a request on their way to a replica. */
export class Upload {
  readonly #bytes: Buffer
  readonly #body: RequestBody
  readonly #idempotent: boolean
  readonly #client: Uploader
  readonly #parts: EngineParts
  #length: number
  #gathered = 0
  /** Part of the body that is at hand, while nobody is there to take it. */
  #rest = new KeptBytes()
  /** More of the body was sent than is kept: it cannot be asked again. */
  #streamed = false
  /** Who has what is kept, and takes what comes. */
  #taker: UpstreamConnection | undefined = undefined

  constructor(out: Outbound, client: Uploader, parts: EngineParts) {
    this.#bytes = out.bytes
    this.#length = out.length
    this.#body = out.body
    this.#idempotent = out.idempotent
    this.#client = client
    this.#parts = parts
  }

  /** All of the body came from the client. */
  get isComplete(): boolean {
    return this.#body.isComplete
  }

  get isBroken(): boolean {
    return this.#body.isBroken
  }

  /** All of it is with the replica. */
  get isSent(): boolean {
    return this.#body.isComplete && this.#rest.length === 0
  }

  get isRepeatable(): boolean {
    return this.#idempotent && this.isSent && !this.#streamed
  }

  /** Whether another can be asked when nothing of it arrived. */
  get isWhole(): boolean {
    return !this.#streamed
  }

  /** How much of the body is kept. */
  get gathered(): number {
    return this.#gathered
  }

  /** Takes more of the body; answers how much of bytes[from, to) that is. */
  take(bytes: Buffer, from: number, to: number): number {
    if (this.#body.isComplete || from === to) return 0
    const taken = this.#body.take(bytes, from, to)
    if (this.#body.isBroken) return taken
    const piece = this.#body.rewritten ?? bytes.subarray(from, from + taken)
    if (piece.length === 0) return taken
    const taker = this.#taker
    if (taker === undefined || taker.isPending || this.#rest.length > 0) this.#keep(piece)
    else this.#pass(piece, taker)
    return taken
  }

  /** Sends what is kept. */
  sendTo(upstream: UpstreamConnection): void {
    this.#taker = upstream
    if (upstream.send(this.#bytes, 0, this.#length)) this.drained()
  }

  /** The replica's connection has what was pending. */
  drained(): void {
    const rest = this.#rest
    if (rest.length > 0) {
      this.#rest = new KeptBytes()
      this.#streamed = true
      if (this.#taker?.send(rest.bytes, 0, rest.length) !== true) return
    }
    if (!this.#body.isComplete) this.#client.resume()
  }

  /** Sends the same to a second replica; only what is repeatable. */
  copyTo(upstream: UpstreamConnection): void {
    upstream.send(this.#bytes, 0, this.#length)
  }

  /** Nobody takes it now. */
  left(): void {
    this.#taker = undefined
  }

  #keep(piece: Buffer): void {
    this.#gathered += piece.length
    if (this.#taker === undefined && this.#rest.length === 0 && this.#fits(piece)) {
      this.#bytes.set(piece, this.#length)
      this.#length += piece.length
    } else {
      this.#rest.append(piece, 0, piece.length)
    }
    if (this.#taker !== undefined || this.#gathered >= GATHERED_MAX) this.#client.pause()
  }

  #fits(piece: Buffer): boolean {
    return this.#length + piece.length <= this.#bytes.length
  }

  /** The client's memory is lent for the call only. */
  #pass(piece: Buffer, taker: UpstreamConnection): void {
    this.#streamed = true
    taker.dueAtMs = this.#parts.deadlines.nowMs + this.#parts.limits.answerTimeoutMs
    if (!taker.send(Buffer.from(piece), 0, piece.length)) this.#client.pause()
  }
}
