import type { Endpoint } from '../../shared/model.ts'
import type { ReplicaState } from '../decide/replica-state.ts'
import type { Failure } from '../exchange.ts'
import type { Timed } from './deadlines.ts'
import type { EngineParts } from './engine-parts.ts'
import { KeptBytes } from './kept-bytes.ts'
import { parseResponseHead, type ResponseHead } from './parsing/response-head.ts'
import type { Receiver, Transport } from './transport.ts'

/** Who asked over a connection, and hears what comes back. */
export interface Asker {
  /** Whether it waits for an answer that another replica may give as well. */
  readonly mayLeave: boolean
  /** It is open: the request can be sent. */
  opened(upstream: UpstreamConnection): void
  /** An interim answer; its bytes are bytes[from, to). */
  hint(bytes: Buffer, from: number, to: number): void
  /** The head of the answer; what is behind it is bytes[head.end, to). */
  answer(upstream: UpstreamConnection, head: ResponseHead, bytes: Buffer, where: Stretch): void
  /** More of the answer. */
  more(bytes: Buffer, from: number, to: number): void
  /** What was sent is written. */
  drained(upstream: UpstreamConnection): void
  /** The replica sends nothing more. */
  ended(): void
  /** It gave no answer, or not a whole one. */
  lost(upstream: UpstreamConnection, failure: Failure): void
}

/** Where in the bytes an answer's head begins, and where the bytes end. */
export interface Stretch {
  readonly from: number
  readonly to: number
}

const EARLY_HINTS = 103
const INTERIM_MAX = 200
const SWITCHING = 101

/** A connection to a replica: it carries one request at a time, and is kept in between. */
export class UpstreamConnection implements Receiver, Timed {
  dueAtMs = Number.POSITIVE_INFINITY
  place = 0
  readonly replica: ReplicaState
  readonly #endpoint: Endpoint
  readonly parts: EngineParts
  readonly #release: (upstream: UpstreamConnection) => void
  #transport: Transport | undefined
  #asker: Asker | undefined
  #isOpen = false
  #isOver = false
  /** Something of the answer came. */
  #heard = false
  #inBody = false
  readonly #kept = new KeptBytes()
  #paused = false
  /** Requests it carried before. */
  served = 0
  idleSinceMs = 0

  constructor(
    replica: ReplicaState,
    parts: EngineParts,
    release: (upstream: UpstreamConnection) => void,
  ) {
    this.replica = replica
    this.#endpoint = replica.endpoint
    this.parts = parts
    this.#release = release
  }

  /** The transport that opens it; told once, before anything is heard of it. */
  over(transport: Transport): void {
    this.#transport = transport
  }

  /** Whether it leads there: a replica may come back under another address. */
  isAt({ host, port }: Endpoint): boolean {
    return host === this.#endpoint.host && port === this.#endpoint.port
  }

  get isOpen(): boolean {
    return this.#isOpen && !this.#isOver
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isPending(): boolean {
    return this.#transport?.isPending === true
  }

  /** Whether something of an answer came over it. */
  get isHeard(): boolean {
    return this.#heard
  }

  /** Somebody asks over it from now on. */
  lease(asker: Asker): void {
    this.#asker = asker
    this.#heard = false
    this.#inBody = false
    this.dueAtMs = this.#isOpen
      ? Number.POSITIVE_INFINITY
      : this.parts.deadlines.nowMs + this.parts.limits.connectTimeoutMs
  }

  /** Nobody asks any more; it may be used again. */
  rest(nowMs: number): void {
    this.#asker = undefined
    this.served += 1
    this.idleSinceMs = nowMs
    this.#transport?.expectMuch(false)
    this.dueAtMs = nowMs + this.parts.limits.upstreamIdleMs
  }

  send(bytes: Buffer, from: number, to: number): boolean {
    return this.#transport?.send(bytes, from, to) === true
  }

  pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#transport?.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#transport?.resume()
  }

  expectMuch(): void {
    this.#transport?.expectMuch(true)
  }

  end(): void {
    this.#transport?.end()
  }

  /** Ends it; nobody hears of it any more. */
  destroy(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#asker = undefined
    this.dueAtMs = Number.POSITIVE_INFINITY
    this.#release(this)
    this.#transport?.destroy()
  }

  opened(): void {
    if (this.#isOver) return
    this.#isOpen = true
    this.dueAtMs = Number.POSITIVE_INFINITY
    this.#asker?.opened(this)
  }

  received(bytes: Buffer, length: number): void {
    if (this.#isOver) return
    const asker = this.#asker
    // What nobody asked for would be read as the next client's answer.
    if (asker === undefined) {
      this.destroy()
      return
    }
    if (this.#inBody) {
      asker.more(bytes, 0, length)
      return
    }
    this.#heard = true
    if (this.#kept.length === 0) {
      const used = this.#heads(bytes, length)
      if (used < length && !this.#inBody) this.#kept.append(bytes, used, length)
    } else {
      this.#kept.append(bytes, 0, length)
      this.#kept.drop(this.#heads(this.#kept.bytes, this.#kept.length))
    }
  }

  drained(): void {
    if (!this.#isOver) this.#asker?.drained(this)
  }

  ended(): void {
    if (this.#isOver) return
    if (this.#asker === undefined) this.destroy()
    else if (this.#inBody) this.#asker.ended()
    else this.#fail(this.#silence())
  }

  closed(): void {
    if (this.#isOver) return
    if (this.#asker === undefined || this.#isOpen) this.#fail(this.#silence())
    else this.#fail('connect')
  }

  due(): void {
    if (this.#asker === undefined) this.destroy()
    else this.#fail(this.#isOpen ? 'timeout' : 'connect')
  }

  /** Its machine is given up: who may ask elsewhere does. */
  giveUp(): void {
    if (this.#asker === undefined) this.destroy()
    else if (this.#asker.mayLeave) this.#fail('silent')
  }

  /** Heads of interim answers, and then of the answer. Answers how many bytes are used. */
  #heads(bytes: Buffer, to: number): number {
    const { responseHead: head, limits } = this.parts
    let from = 0
    while (from < to && !this.#isOver) {
      const end = parseResponseHead(bytes, from, to, head, limits)
      if (end === 0) return from
      if (end < 0) this.#fail('sent')
      else if (head.status >= INTERIM_MAX || head.status === SWITCHING) {
        this.#inBody = true
        this.#asker?.answer(this, head, bytes, { from, to })
        return to
      } else if (head.status === EARLY_HINTS) {
        this.#asker?.hint(bytes, from, end)
      }
      from = end
    }
    return to
  }

  #silence(): Failure {
    if (this.#heard) return 'sent'
    return this.served > 0 ? 'stale' : 'silent'
  }

  #fail(failure: Failure): void {
    const asker = this.#asker
    this.destroy()
    asker?.lost(this, failure)
  }
}
