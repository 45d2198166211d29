import type { Socket } from 'node:net'
import { ClientHeads } from './client-heads.ts'
import { ClientInput, EARLY_BYTES_MAX, type Taker } from './client-input.ts'
import { ClientOutput } from './client-output.ts'
import {
  type ClientWaiting,
  NEVER,
  patienceMs,
  SLOW_AFTER_MS,
  type Stage,
} from './client-patience.ts'
import type { Timed } from './deadlines.ts'
import type { ClientParts, Handling } from './handling.ts'
import type { Introduction } from './introduction.ts'
import { CONTINUE, type OwnAnswer, ownAnswerBytes, rejection } from './own-answer.ts'
import type { RequestHead } from './parsing/request-head.ts'
import type { Receiver, Transport } from './transport.ts'

const NOTHING = Buffer.alloc(0)

/** A client's connection: one request after the other. */
export class ClientConnection implements Receiver, Timed, ClientWaiting, Taker {
  dueAtMs = NEVER
  place = 0
  readonly introduction: Introduction
  readonly heads: ClientHeads
  /** Whether the connection outlives the answer that is under way. */
  keepAlive = true
  minor: 0 | 1 = 1
  goneChecks = 0
  readonly #parts: ClientParts
  readonly #transport: Transport
  readonly #output: ClientOutput
  readonly #input = new ClientInput(this)
  #stage: Stage = 'head'
  #handling: Handling | undefined = undefined
  #paused = false
  #halfClosed = false
  #totalDueAtMs = NEVER
  /** From then on the client alone holds its request up; infinite while it does not. */
  #slowAtMs = NEVER

  constructor(socket: Socket, secure: boolean, parts: ClientParts) {
    const { engine, transports } = parts
    this.#parts = parts
    this.heads = new ClientHeads(engine)
    this.#transport = transports.accept(socket, this)
    this.#output = new ClientOutput(this.#transport)
    this.introduction = engine.introductions.of(this.#transport.remoteAddress, secure)
    engine.deadlines.watch(this)
    this.dueAtMs = engine.deadlines.nowMs + engine.limits.headersTimeoutMs
    this.#transport.resume()
  }

  get isPending(): boolean {
    return this.#output.isPending
  }

  get takes(): boolean {
    return this.#stage === 'head' || this.#stage === 'busy'
  }

  get beganHead(): boolean {
    return this.#input.length > 0
  }

  get readsBody(): boolean {
    return this.#handling?.wantsBody === true && !this.#paused
  }

  get isPerhapsGone(): boolean {
    if (this.#stage !== 'busy' || !this.#halfClosed || this.minor === 0) return false
    return this.#handling?.isAnswering === false
  }

  get isIdle(): boolean {
    return this.#stage === 'head' && this.#input.length === 0
  }

  opened(): void {
    // It was open when it came.
  }

  received(bytes: Buffer, length: number): void {
    if (!this.takes) return
    const began = this.#input.length === 0
    this.#input.received(bytes, length)
    if (this.#stage === 'head' && began && this.#input.length > 0) this.#setDue()
    else if (this.#input.length > EARLY_BYTES_MAX) this.pause()
  }

  drained(): void {
    if (this.#stage === 'over' || !this.#output.drained()) return
    this.#setDue()
    if (this.#stage === 'closing') this.#end()
    else this.#handling?.clientDrained()
  }

  ended(): void {
    if (this.#stage === 'over') return
    this.#halfClosed = true
    if (this.#stage === 'head') this.#endEarly()
    else if (this.#stage === 'busy' ? this.#handling?.clientEnded() !== false : this.isPending) {
      this.#setDue()
    } else this.destroy()
  }

  closed(): void {
    this.destroy()
  }

  due(nowMs: number): void {
    if (nowMs >= this.#slowAtMs) {
      // While nothing of its body is read, it is not the client that takes long.
      const isSlow = this.readsBody || this.isPending
      this.#slowAtMs = isSlow ? NEVER : nowMs + SLOW_AFTER_MS
      this.#setDue()
      if (isSlow) this.#handling?.clientIsSlow()
    } else if (nowMs >= this.#totalDueAtMs) {
      this.#totalDueAtMs = NEVER
      this.#setDue()
      this.#handling?.expire()
    } else if (this.#stage === 'head' && this.#input.length > 0) {
      this.#refuse(408)
    } else if (this.isPerhapsGone) {
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
    if (this.#output.write(bytes, from, to)) return true
    this.#beginsToBeSlow()
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
    handling.begin(NOTHING, 0, 0)
  }

  /** The answer is out: the next request may come. */
  answered(): void {
    this.#handling = undefined
    this.#totalDueAtMs = NEVER
    this.#slowAtMs = NEVER
    if (this.#stage !== 'busy') return
    if (!this.keepAlive) {
      this.endAfterWriting()
      return
    }
    this.#stage = 'head'
    this.#setDue()
    if (!this.#input.isTaking) this.#goOn()
  }

  answerOwn(answer: OwnAnswer, isHead: boolean): void {
    if (this.#stage === 'over') return
    if (this.#parts.engine.isClosing) this.keepAlive = false
    const bytes = ownAnswerBytes(answer, { isHead, close: !this.keepAlive })
    this.write(bytes, 0, bytes.length)
    this.answered()
  }

  tunnelBegan(): void {
    this.#totalDueAtMs = NEVER
    if (!this.#input.isTaking) this.#goOn()
  }

  /** Ends it in good order: what is written arrives, and what still comes is read for a moment. */
  endAfterWriting(): void {
    if (this.#stage === 'over' || this.#stage === 'closing') return
    this.#stage = 'closing'
    this.#handling = undefined
    this.#input.clear()
    this.#setDue()
    if (!this.isPending) this.#end()
  }

  destroy(): void {
    if (this.#stage === 'over') return
    this.#stage = 'over'
    this.#parts.engine.deadlines.forget(this)
    this.#input.clear()
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

  #goOn(): void {
    this.#input.offerAgain()
    if (this.#stage === 'head' && this.#halfClosed) this.#endEarly()
    if (this.#input.length > EARLY_BYTES_MAX || this.#stage === 'closing') return
    if (this.#stage === 'head' || this.#handling?.wantsBody !== true) this.resume()
  }

  take(bytes: Buffer, at: number, length: number): number {
    const handling = this.#handling
    if (handling !== undefined && (handling.wantsBody || handling.isTunnel)) {
      const used = handling.fromClient(bytes, at, length)
      if (!handling.wantsBody && !this.isPending) this.#slowAtMs = NEVER
      this.#setDue()
      return used
    }
    if (this.#stage !== 'head') return 0
    const end = this.heads.read(bytes, at, length, this.#input.searched)
    if (end > 0) return end - at + this.#begin(bytes, this.#parts.engine.requestHead, length)
    if (end < 0) this.#refuse(-end)
    return end < 0 ? length - at : 0
  }

  #begin(bytes: Buffer, head: RequestHead, to: number): number {
    const { engine, door } = this.#parts
    this.#stage = 'busy'
    // What follows on a refused upgrade may be meant for the other protocol.
    this.keepAlive = head.keepAlive && !head.upgradesToWebSocket
    this.minor = head.minor
    this.#totalDueAtMs = engine.deadlines.nowMs + engine.limits.totalTimeoutMs
    const handling = door.open(this, bytes, to)
    if (handling === undefined) return 0
    this.#handling = handling
    const used = handling.begin(bytes, head.end, to)
    if (handling.wantsBody) this.#beginsToBeSlow()
    this.#setDue()
    return used
  }

  #beginsToBeSlow(): void {
    this.#slowAtMs = Math.min(this.#slowAtMs, this.#parts.engine.deadlines.nowMs + SLOW_AFTER_MS)
  }

  #refuse(status: number): void {
    this.#stage = 'busy'
    this.keepAlive = false
    this.#parts.engine.traffic.totals.unrouted(status)
    this.answerOwn(rejection(status), false)
  }

  /** The client half closed between requests, or in the middle of a head. */
  #endEarly(): void {
    if (this.#input.length > 0) this.#refuse(400)
    else this.endAfterWriting()
  }

  /** The rest of a body does not come. */
  #giveUpBody(): void {
    const handling = this.#handling
    this.#handling = undefined
    handling?.gone()
    if (handling?.isAnswering === true) this.destroy()
    else this.#refuse(408)
  }

  /** Writing alone tells whether who half closed is still there; an interim answer does no harm. */
  #askWhetherGone(): void {
    this.goneChecks += 1
    if (!this.isPending) this.write(CONTINUE, 0, CONTINUE.length)
    this.#setDue()
  }

  #setDue(): void {
    if (this.#stage === 'over') return
    const { limits, deadlines } = this.#parts.engine
    const dueAtMs = deadlines.nowMs + patienceMs(this.#stage, this, limits)
    this.dueAtMs = Math.min(this.#totalDueAtMs, this.#slowAtMs, dueAtMs)
  }
}
