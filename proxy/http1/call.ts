import type { ReplicaState } from '../decide/replica-state.ts'
import { type Caller, Exchange, type Failure, type Refusal } from '../exchange.ts'
import type { ServiceTraffic } from '../service-traffic.ts'
import { type Answered, AnswerRelay } from './answer-relay.ts'
import { AskedReplicas } from './asked-replicas.ts'
import type { ClientConnection } from './client-connection.ts'
import type { EngineParts } from './engine-parts.ts'
import {
  CONTINUE,
  failureAnswer,
  lateAnswer,
  type OwnAnswer,
  refusalAnswer,
  rejection,
} from './own-answer.ts'
import type { ResponseHead } from './parsing/response-head.ts'
import { Tunnel, type Tunnelling } from './tunnel.ts'
import { GATHERED_MAX, type Outbound, Upload } from './upload.ts'
import type { Asker, Stretch, UpstreamConnection } from './upstream-connection.ts'

/** What must not be asked twice goes only over a connection that was in use a moment ago. */
const FRESH_MS = 500
const SWITCHING = 101
const NEVER = Number.POSITIVE_INFINITY

/** One request under way: between the client who waits and the replica that is asked. */
export class Call implements Caller, Asker, Answered, Tunnelling {
  readonly exchange: Exchange
  readonly isHead: boolean
  readonly wantsBodyOfHead: boolean
  readonly #client: ClientConnection
  readonly #parts: EngineParts
  readonly #out: Outbound
  readonly #upload: Upload
  readonly #asked = new AskedReplicas()
  #attempts = 0
  #entered = false
  /** Its client takes long to send or to read. */
  #isHeldUp = false
  /** A kept connection was stale: others may be. */
  #fresh = false
  #relay: AnswerRelay | undefined = undefined
  #tunnel: Tunnel | undefined = undefined
  #over = false

  constructor(
    client: ClientConnection,
    parts: EngineParts,
    service: ServiceTraffic,
    out: Outbound,
  ) {
    this.#client = client
    this.#parts = parts
    this.#out = out
    this.isHead = out.isHead
    this.wantsBodyOfHead = out.wantsBodyOfHead
    this.#upload = new Upload(out, client, parts)
    this.exchange = new Exchange(service, this, out)
    parts.underWay += 1
  }

  /** Whether more of the body is to come from the client. */
  get wantsBody(): boolean {
    return !this.#over && !this.#upload.isComplete
  }

  get isSent(): boolean {
    return this.#upload.isSent
  }

  get isAnswering(): boolean {
    return this.#relay !== undefined || this.#tunnel !== undefined
  }

  get isTunnel(): boolean {
    return this.#tunnel !== undefined
  }

  get isLasting(): boolean {
    return this.exchange.isLasting
  }

  /** Begins with what came together with the head; answers how much of it belongs to this. */
  begin(bytes: Buffer, from: number, to: number): number {
    const taken = this.#upload.take(bytes, from, to)
    // Whoever waits for a word before it sends gets it only if somebody is there.
    if (this.#out.awaitsContinue && !this.#upload.isComplete) {
      if (this.exchange.service.isServed) this.#client.write(CONTINUE, 0, CONTINUE.length)
      else this.#enter()
    }
    this.#gathered()
    return taken
  }

  /** More from the client; answers how much of bytes[from, to) belongs to this request. */
  fromClient(bytes: Buffer, from: number, to: number): number {
    if (this.#tunnel !== undefined) return this.#tunnel.fromClient(bytes, from, to)
    const taken = this.#upload.take(bytes, from, to)
    this.#gathered()
    return taken
  }

  ask(replica: ReplicaState): void {
    if (this.#isHeldUp) this.exchange.waitsForClient()
    this.#attempts += 1
    const idleMaxMs = this.#fresh ? -1 : this.#upload.isRepeatable ? NEVER : FRESH_MS
    const upstream = this.#parts.upstreams.lease(replica, this, this.#parts, idleMaxMs)
    this.#asked.first = upstream
    if (upstream === undefined) this.#failed('connect')
    else if (upstream.isOpen) this.opened(upstream)
  }

  askToo(replica: ReplicaState): void {
    const second = this.#parts.upstreams.lease(replica, this, this.#parts, NEVER)
    this.#asked.second = second
    if (second === undefined) this.exchange.secondFailed(replica, 'connect')
    else if (second.isOpen) this.opened(second)
  }

  refuse(refusal: Refusal): void {
    const { fragment, absence } = this.exchange.service
    const kind = refusal === 'absent' ? 'unserved' : 'failed'
    this.#answerOwn(refusalAnswer(refusal, fragment.name, absence), kind)
  }

  opened(upstream: UpstreamConnection): void {
    upstream.dueAtMs = this.#parts.deadlines.nowMs + this.#parts.limits.answerTimeoutMs
    if (upstream === this.#asked.second) {
      this.#upload.copyTo(upstream)
      return
    }
    this.#upload.sendTo(upstream)
    if (this.#upload.isRepeatable) this.exchange.service.watch(this.exchange)
  }

  drained(upstream: UpstreamConnection): void {
    if (this.#tunnel !== undefined) this.#tunnel.upstreamDrained()
    else if (upstream === this.#asked.first) this.#upload.drained()
  }

  hint(bytes: Buffer, from: number, to: number): void {
    if (this.isAnswering || this.#client.minor === 0) return
    this.#client.write(Buffer.from(bytes.subarray(from, to)), 0, to - from)
  }

  answer(
    upstream: UpstreamConnection,
    head: ResponseHead,
    bytes: Buffer,
    { from, to }: Stretch,
  ): void {
    this.#asked.settleOn(upstream)
    this.exchange.answered(upstream.replica)
    if (head.status === SWITCHING) {
      this.#switch(upstream, head, bytes, { from, to })
      return
    }
    if (head.isEventStream && !this.isHead) this.exchange.becameLasting()
    this.#relay = new AnswerRelay(this.#client, upstream, this, head)
    this.#relay.begin(head, bytes, from, to)
  }

  more(bytes: Buffer, from: number, to: number): void {
    if (this.#tunnel !== undefined) this.#tunnel.fromUpstream(bytes, from, to)
    else this.#relay?.more(bytes, from, to)
  }

  ended(): void {
    if (this.#tunnel !== undefined) this.#tunnel.upstreamEnded()
    else this.#relay?.ended()
  }

  lost(upstream: UpstreamConnection, failure: Failure): void {
    if (this.#over) return
    if (this.#tunnel !== undefined) this.#tunnel.upstreamLost()
    else if (this.#relay !== undefined) this.#relay.cut()
    else if (this.#asked.without(upstream)) this.exchange.secondFailed(upstream.replica, failure)
    else this.#failed(failure)
  }

  clientDrained(): void {
    if (this.#tunnel !== undefined) this.#tunnel.clientDrained()
    else this.#relay?.drained()
  }

  clientEnded(): boolean {
    this.exchange.mayHaveLeft()
    if (this.#tunnel === undefined) return this.#upload.isComplete && !this.isLasting
    this.#tunnel.clientEnded()
    return true
  }

  /** What it holds up holds no permit. */
  clientIsSlow(): void {
    this.#isHeldUp = true
    this.#enter()
    this.exchange.waitsForClient()
  }

  gone(): void {
    if (this.#over) return
    this.exchange.finish(this.isLasting ? 'lasting' : 'aborted', 0)
    this.#close()
  }

  expire(): void {
    if (this.#over || this.isLasting) return
    if (this.#relay !== undefined) this.#relay.cut()
    else this.#answerOwn(lateAnswer(this.exchange.service.fragment.name), 'failed')
  }

  /** Whether it waits for an answer that another replica may give as well. */
  get mayLeave(): boolean {
    return !this.isAnswering && this.#upload.isRepeatable
  }

  answered(complete: boolean): void {
    if (this.#over) return
    this.#close()
    if (complete) this.#client.answered()
    else this.#client.destroy()
  }

  tunnelEnded(): void {
    if (this.#over) return
    this.exchange.finish('lasting', SWITCHING)
    this.#close()
    this.#client.endAfterWriting()
  }

  /** A body is gathered before a replica is asked, so that slow clients keep none busy. */
  #gathered(): void {
    if (this.#over) return
    if (this.#upload.isBroken) this.#reject()
    else if (this.#upload.isComplete) {
      this.exchange.requestComplete()
      this.#enter()
    } else if (this.#upload.gathered >= GATHERED_MAX) this.#enter()
  }

  #enter(): void {
    if (this.#entered || this.#over) return
    this.#entered = true
    this.exchange.enter(this.#out.upgrades ? 'upgrade' : 'request')
  }

  #failed(failure: Failure): void {
    this.#asked.first = undefined
    this.#upload.left()
    if (failure === 'stale') this.#fresh = true
    const mayAgain = this.#attempts < this.#parts.limits.attemptsMax && this.#isSafe(failure)
    if (this.exchange.failed(failure, mayAgain)) return
    this.#answerOwn(failureAnswer(failure, this.exchange.service.fragment.name), 'failed')
  }

  /** Whether another replica can be asked for the same with no risk of doing it twice. */
  #isSafe(failure: Failure): boolean {
    if (failure === 'connect') return this.#upload.isWhole
    return (failure === 'stale' || failure === 'silent') && this.#upload.isRepeatable
  }

  /** Its body is no valid one. */
  #reject(): void {
    if (this.#relay !== undefined) this.#relay.cut()
    else this.#answerOwn(rejection(400), 'aborted')
  }

  #answerOwn(answer: OwnAnswer, kind: 'failed' | 'unserved' | 'aborted'): void {
    if (this.#over) return
    this.exchange.finish(kind, answer.status)
    if (!this.#upload.isComplete) this.#client.keepAlive = false
    this.#close()
    this.#client.answerOwn(answer, this.isHead && !this.wantsBodyOfHead)
  }

  #switch(
    upstream: UpstreamConnection,
    head: ResponseHead,
    bytes: Buffer,
    { from, to }: Stretch,
  ): void {
    if (!this.#out.upgrades || !head.upgradesToWebSocket) {
      this.#answerOwn(failureAnswer('sent', this.exchange.service.fragment.name), 'failed')
      return
    }
    this.exchange.becameLasting()
    this.#tunnel = new Tunnel(this.#client, upstream, this)
    this.#tunnel.begin(head, bytes, from, to)
    this.#client.tunnelBegan()
  }

  #close(): void {
    this.#over = true
    // One that was given back may carry another request by now.
    if (this.#relay?.isGivenBack === true) this.#asked.first = undefined
    this.#asked.leave()
    this.#parts.outgoing.giveBack(this.#out.bytes)
    this.#parts.underWay -= 1
  }
}
