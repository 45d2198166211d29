import type { Socket } from 'node:net'
import type { Timed } from './deadlines.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Introduction } from './introduction.ts'
import { KeptBytes } from './kept-bytes.ts'
import { type OwnAnswer, ownAnswerBytes, rejection } from './own-answer.ts'
import { mayBeComplete, parseRequestHead, type RequestHead } from './request-head.ts'
import type { Receiver, Transport, Transports } from './transport.ts'

/** What a request became once it was let in: something that takes its body and brings an answer. */
export interface Handling {
  readonly wantsBody: boolean
  readonly isAnswering: boolean
  readonly isTunnel: boolean
  /** Begins with what came together with the head; answers how much of it belongs to this. */
  begin(bytes: Buffer, from: number, to: number): number
  /** More came; answers how much of it belongs to this. */
  fromClient(bytes: Buffer, from: number, to: number): number
  /** The client has what was written to it. */
  clientDrained(): void
  /** The client sends nothing more. Answers whether it may still wait for what comes back. */
  clientEnded(): boolean
  gone(): void
  /** It takes longer than any request may. */
  expire(): void
}

/** Lets requests in; where it answers why not itself, there is nothing to handle. */
export interface Door {
  /** The engine's head was just read from bytes[…, to). */
  open(client: ClientConnection, bytes: Buffer, to: number): Handling | undefined
}

export interface ClientParts {
  readonly engine: EngineParts
  readonly transports: Transports
  readonly door: Door
  readonly onEnd: (client: ClientConnection) => void
}

/**
 * When a client that half closed is asked whether it is still there, and asked again: the first
 * word makes the machine of one that is gone object, and only the second one learns of it.
 */
const GONE_CHECKS_MS = [250, 100, 15_000] as const
/** How long what a client still sends is read, so that it sees the answer before the end. */
const LINGER_MS = 2_000
/** Requests that come before their turn: more of them than this wait with the kernel. */
const EARLY_BYTES_MAX = 65_536
const INTERIM = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n')
const NEVER = Number.POSITIVE_INFINITY

/** `head`: waits for a request. `busy`: one is under way. `closing`: the last answer is out. */
type Stage = 'head' | 'busy' | 'closing' | 'over'

/** A client's connection: one request after the other. */
export class ClientConnection implements Receiver, Timed {
  dueAtMs = NEVER
  place = 0
  readonly introduction: Introduction
  /** Whether the connection outlives the answer that is under way. */
  keepAlive = true
  minor: 0 | 1 = 1
  readonly #parts: ClientParts
  readonly #transport: Transport
  readonly #kept = new KeptBytes()
  #stage: Stage = 'head'
  #handling: Handling | undefined = undefined
  /** Up to where of what is kept it is known that no head ends. */
  #searched = 0
  #consuming = false
  #paused = false
  #halfClosed = false
  #goneChecks = 0
  #totalDueAtMs = NEVER
  /** Own words that wait until what is pending is written. */
  #backlog: Buffer | undefined = undefined

  constructor(socket: Socket, secure: boolean, parts: ClientParts) {
    const { engine, transports } = parts
    this.#parts = parts
    this.#transport = transports.accept(socket, this)
    this.introduction = engine.introductions.of(this.#transport.remoteAddress, secure)
    this.dueAtMs = engine.nowMs() + engine.limits.headersTimeoutMs
    engine.deadlines.watch(this)
    this.#transport.resume()
  }

  get isPending(): boolean {
    return this.#transport.isPending || this.#backlog !== undefined
  }

  get isIdle(): boolean {
    return this.#stage === 'head' && this.#kept.length === 0
  }

  opened(): void {
    // It was open when it came.
  }

  received(bytes: Buffer, length: number): void {
    if (this.#stage === 'over' || this.#stage === 'closing') return
    if (this.#kept.length === 0) {
      const used = this.#consume(bytes, length)
      if (used < length) this.#keep(bytes, used, length)
    } else {
      this.#kept.append(bytes, 0, length)
      this.#useKept()
    }
  }

  drained(): void {
    const backlog = this.#backlog
    this.#backlog = undefined
    if (this.#stage === 'over') return
    if (backlog !== undefined && !this.#transport.send(backlog, 0, backlog.length)) return
    this.#setDue()
    if (this.#stage === 'closing') this.#end()
    else this.#handling?.clientDrained()
  }

  ended(): void {
    if (this.#stage === 'over') return
    this.#halfClosed = true
    if (this.#handling?.isTunnel !== true) this.keepAlive = false
    if (this.#stage === 'closing') {
      this.isPending ? undefined : this.destroy()
      return
    }
    if (this.#stage === 'head') {
      this.#endEarly()
      return
    }
    if (this.#handling?.clientEnded() === false) {
      this.destroy()
      return
    }
    this.#setDue()
  }

  closed(): void {
    this.destroy()
  }

  due(nowMs: number): void {
    if (nowMs >= this.#totalDueAtMs) {
      this.#totalDueAtMs = NEVER
      this.#setDue()
      this.#handling?.expire()
    } else if (this.#stage === 'head' && this.#kept.length > 0) {
      this.#refuse(408)
    } else if (this.#isAskedWhetherGone) {
      this.#askWhetherGone()
    } else if (this.#stage === 'busy' && this.#handling?.wantsBody === true && !this.isPending) {
      this.#giveUpBody()
    } else {
      this.destroy()
    }
  }

  /** False: it is pending, and the memory must stay as it is until `clientDrained`. */
  write(bytes: Buffer, from: number, to: number): boolean {
    if (this.#stage === 'over') return true
    if (this.isPending) {
      // Only small words of the proxy's own come while something is pending.
      const piece = Buffer.from(bytes.subarray(from, to))
      this.#backlog = this.#backlog === undefined ? piece : Buffer.concat([this.#backlog, piece])
      return false
    }
    if (this.#transport.send(bytes, from, to)) return true
    this.#setDue()
    return false
  }

  pause(): void {
    if (this.#paused || this.#stage === 'over') return
    this.#paused = true
    this.#transport.pause()
  }

  resume(): void {
    if (!this.#paused || this.#stage === 'over') return
    this.#paused = false
    this.#transport.resume()
    this.#setDue()
  }

  /** Another one takes over the request that is under way. */
  handOver(handling: Handling): void {
    this.#handling = handling
    handling.begin(this.#kept.bytes, 0, 0)
  }

  /** The answer is out: the next request may come. */
  answered(): void {
    this.#handling = undefined
    this.#totalDueAtMs = NEVER
    if (this.#stage !== 'busy') return
    if (!this.keepAlive) {
      this.endAfterWriting()
      return
    }
    this.#stage = 'head'
    this.#setDue()
    if (!this.#consuming) this.#goOn()
  }

  answerOwn(answer: OwnAnswer, isHead: boolean): void {
    if (this.#stage === 'over') return
    if (this.#parts.engine.isClosing) this.keepAlive = false
    const bytes = ownAnswerBytes(answer, { isHead, close: !this.keepAlive })
    this.write(bytes, 0, bytes.length)
    this.answered()
  }

  /** From now on only silence ends it. */
  tunnelBegan(): void {
    this.#totalDueAtMs = NEVER
    if (!this.#consuming) this.#goOn()
  }

  stayUntil(dueAtMs: number): void {
    this.dueAtMs = dueAtMs
  }

  /** Ends it in good order: what is written arrives, and what still comes is read for a moment. */
  endAfterWriting(): void {
    if (this.#stage === 'over' || this.#stage === 'closing') return
    this.#stage = 'closing'
    this.#handling = undefined
    this.#kept.clear()
    this.#setDue()
    if (!this.isPending) this.#end()
  }

  destroy(): void {
    if (this.#stage === 'over') return
    this.#stage = 'over'
    this.#parts.engine.deadlines.forget(this)
    this.#kept.clear()
    const handling = this.#handling
    this.#handling = undefined
    this.#transport.destroy()
    handling?.gone()
    this.#parts.onEnd(this)
  }

  #end(): void {
    this.#transport.end()
    if (this.#halfClosed) {
      this.destroy()
      return
    }
    this.resume()
    this.#setDue()
  }

  /** What came while nobody could take it. */
  #goOn(): void {
    if (this.#kept.length > 0) this.#useKept()
    if (this.#kept.length > EARLY_BYTES_MAX || this.#stage === 'closing') return
    if (this.#stage === 'head' || this.#handling?.wantsBody !== true) this.resume()
  }

  #useKept(): void {
    const { bytes, length } = this.#kept
    const used = this.#consume(bytes, length)
    this.#kept.drop(used)
    if (this.#stage === 'head') this.#searched = this.#kept.length
    else if (this.#kept.length > EARLY_BYTES_MAX) this.pause()
  }

  #keep(bytes: Buffer, from: number, to: number): void {
    if (this.#stage === 'over' || this.#stage === 'closing') return
    this.#kept.append(bytes, from, to)
    if (this.#stage === 'head') {
      this.#searched = to - from
      this.#setDue()
    } else if (this.#kept.length > EARLY_BYTES_MAX) {
      this.pause()
    }
  }

  /** Answers how much of bytes[0, length) is used. */
  #consume(bytes: Buffer, length: number): number {
    this.#consuming = true
    let at = 0
    while (at < length && this.#stage !== 'over' && this.#stage !== 'closing') {
      const used = this.#step(bytes, at, length)
      if (used === 0) break
      at += used
    }
    this.#consuming = false
    return at
  }

  /** Takes one thing from bytes[at, length): a head, or a part of a body; 0: nothing to take yet. */
  #step(bytes: Buffer, at: number, length: number): number {
    const handling = this.#handling
    if (handling !== undefined && (handling.wantsBody || handling.isTunnel)) {
      const used = handling.fromClient(bytes, at, length)
      this.#setDue()
      return used
    }
    if (this.#stage !== 'head') return 0
    const { requestHead: head, limits } = this.#parts.engine
    const isLong = length - at > limits.headerBytesMax
    if (!isLong && !mayBeComplete(bytes, Math.max(at, this.#searched), length)) return 0
    const end = parseRequestHead(bytes, at, length, head, limits)
    if (end > 0) return end - at + this.#begin(bytes, head, length)
    if (end < 0) this.#refuse(-end)
    return end < 0 ? length - at : 0
  }

  #begin(bytes: Buffer, head: RequestHead, to: number): number {
    const { engine, door } = this.#parts
    this.#stage = 'busy'
    // What follows on a refused upgrade may be meant for the other protocol.
    this.keepAlive = head.keepAlive && !this.#halfClosed && !head.upgradesToWebSocket
    this.minor = head.minor
    this.#searched = 0
    this.#totalDueAtMs = engine.nowMs() + engine.limits.totalTimeoutMs
    const from = head.end
    const handling = door.open(this, bytes, to)
    if (handling === undefined) return 0
    this.#handling = handling
    const used = handling.begin(bytes, from, to)
    this.#setDue()
    return used
  }

  #refuse(status: number): void {
    this.#stage = 'busy'
    this.keepAlive = false
    this.#parts.engine.traffic.totals.unrouted(status)
    this.answerOwn(rejection(status), false)
  }

  /** The client half closed between requests, or in the middle of a head. */
  #endEarly(): void {
    if (this.#kept.length > 0) this.#refuse(400)
    else this.endAfterWriting()
  }

  /** The rest of a body does not come. */
  #giveUpBody(): void {
    const handling = this.#handling
    this.#handling = undefined
    const wasAnswering = handling?.isAnswering === true
    handling?.gone()
    if (wasAnswering) {
      this.destroy()
      return
    }
    this.#refuse(408)
  }

  get #isAskedWhetherGone(): boolean {
    if (this.#stage !== 'busy' || !this.#halfClosed || this.minor === 0) return false
    return this.#handling?.isAnswering === false
  }

  /** Writing alone tells whether who half closed is still there; an interim answer does no harm. */
  #askWhetherGone(): void {
    this.#goneChecks += 1
    if (!this.isPending) this.write(INTERIM, 0, INTERIM.length)
    this.#setDue()
  }

  #setDue(): void {
    const { limits, nowMs } = this.#parts.engine
    this.dueAtMs = Math.min(this.#totalDueAtMs, nowMs() + this.#patienceMs(limits))
  }

  #patienceMs(limits: EngineParts['limits']): number {
    if (this.#stage === 'head') {
      return this.#kept.length > 0 ? limits.headersTimeoutMs : limits.keepAliveMs
    }
    if (this.isPending) return limits.bodyIdleMs
    if (this.#stage === 'closing') return LINGER_MS
    if (this.#handling?.wantsBody === true && !this.#paused) return limits.bodyIdleMs
    if (!this.#isAskedWhetherGone) return NEVER
    return GONE_CHECKS_MS[Math.min(this.#goneChecks, GONE_CHECKS_MS.length - 1)] ?? NEVER
  }
}
