import type { IncomingMessage } from 'node:http'
import { after } from '../../shared/clock.ts'
import type { ReplicaState } from '../decide/replica-state.ts'
import { type Caller, Exchange, type Failure, type Refusal } from '../exchange.ts'
import {
  failureAnswer,
  lateAnswer,
  type OwnAnswer,
  refusalAnswer,
  rejection,
} from '../http1/own-answer.ts'
import type { ServiceTraffic } from '../service-traffic.ts'
import { cookieToSet } from '../sticky-cookie.ts'
import { type AnswerShape, isEventStream, isPassable, shape } from './answer.ts'
import { type Asker, Attempt } from './attempt.ts'
import { watchClient } from './client-watch.ts'
import type { UnderWay } from './connections.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Outbound } from './outbound.ts'
import { replyOwn } from './own-reply.ts'
import { type Relaying, watchRelay } from './relay.ts'
import { type Client, Upload } from './upload.ts'

/** One request under way: between the client who waits and the replica that is asked. */
export class Call implements Caller, Asker, Relaying, UnderWay {
  readonly upload: Upload
  readonly #exchange: Exchange
  readonly #client: Client
  readonly #out: Outbound
  readonly #parts: EngineParts
  readonly #cancelTotal: () => void
  readonly #onSilence = (): void => this.#silent()
  #attempt: Attempt | undefined = undefined
  #attempts = 0
  /** Its client takes long to send or to read. */
  #isHeldUp = false
  #cancelWatch: () => void = () => undefined
  /** A kept connection was stale: others may be. */
  #fresh = false
  /** Of the answer that is passed on. */
  #status = 0
  #over = false

  constructor(client: Client, out: Outbound, service: ServiceTraffic, parts: EngineParts) {
    this.#client = client
    this.#out = out
    this.#parts = parts
    this.upload = new Upload(client, out)
    this.#exchange = new Exchange(service, this, out)
    this.#cancelTotal = after(parts.limits.totalTimeoutMs, () => this.#expire())
    parts.underWay += 1
  }

  begin(): void {
    const { request } = this.#client
    this.#parts.connections.join(request.socket, this)
    if (this.#over) return
    if (this.#out.body.kind === 'stream') {
      request.once('end', () => this.#arrived())
      request.on('timeout', this.#onSilence)
      // Whoever waits for a word before it sends gets it only if somebody is there.
      if (this.#exchange.service.isServed) this.upload.welcome()
      if (this.upload.isHeldBack) this.#enter()
      else this.upload.gather((how) => this.#gathered(how))
    } else {
      this.#arrived()
      this.#enter()
    }
  }

  ask(replica: ReplicaState): void {
    const { limits, proxy, agent } = this.#parts
    if (this.#isHeldUp) this.#exchange.waitsForClient()
    this.#attempts += 1
    this.#attempt = undefined
    if (replica.inFlight + replica.lasting > limits.upstreamConnectionsMax) {
      this.#failed('connect')
      return
    }
    const attempt = new Attempt(replica, this.#out.target, this, this.#parts)
    this.#attempt = attempt
    const { host, port } = replica.endpoint
    const way = { host, port, agent: this.#fresh ? false : agent } as const
    proxy.web(this.#out, this.#client.response, way, attempt)
  }

  /** This engine asks one replica at a time: it lets nobody watch for those that take long. */
  askToo(replica: ReplicaState): void {
    this.#exchange.secondFailed(replica, 'connect')
  }

  refuse(refusal: Refusal): void {
    const { fragment, absence } = this.#exchange.service
    const kind = refusal === 'absent' ? 'unserved' : 'failed'
    this.#replyOwn(refusalAnswer(refusal, fragment.name, absence), kind)
  }

  hints(link: string): void {
    const { request, response } = this.#client
    if (this.#over || response.headersSent || request.httpVersion !== '1.1') return
    try {
      response.writeEarlyHints({ link })
    } catch {
      // Hints are optional: one that node will not write is left out.
    }
  }

  answered(attempt: Attempt, answer: IncomingMessage): boolean {
    const { asked } = attempt
    const { limits } = this.#parts
    if (asked === undefined || !isPassable(answer, limits.headersMax)) {
      this.#failed('sent')
      return false
    }
    const isLasting = isEventStream(answer) && this.#out.method !== 'HEAD'
    this.#exchange.answered(attempt.state)
    if (isLasting) this.#exchange.becameLasting()
    this.#status = answer.statusCode ?? 0
    shape(answer, this.#shapeOf(answer, attempt.state))
    const idleMs = isLasting ? limits.lastingIdleMs : limits.bodyIdleMs
    watchRelay({ asked, answer }, this.#client.response, idleMs, this)
    return true
  }

  lost(attempt: Attempt, failure: Failure): void {
    if (this.#over) return
    if (attempt.asked !== undefined) this.upload.leave(attempt.asked)
    this.#failed(failure)
  }

  complete(): void {
    if (this.#over) return
    const kind = this.#status < 500 ? 'answered' : 'failed'
    this.#exchange.finish(this.#exchange.isLasting ? 'lasting' : kind, this.#status)
    this.#close()
  }

  cut(): void {
    if (this.#over) return
    this.#exchange.finish(this.#exchange.isLasting ? 'lasting' : 'failed', this.#status)
    this.#close()
    this.#client.response.destroy()
  }

  gone(): void {
    if (this.#over) return
    this.#exchange.finish(this.#exchange.isLasting ? 'lasting' : 'aborted', 0)
    this.#close()
  }

  broken(): boolean {
    if (this.upload.isComplete) return false
    this.#reject(400)
    return true
  }

  get #name(): string {
    return this.#exchange.service.fragment.name
  }

  get #isAnswering(): boolean {
    return this.#status !== 0
  }

  #gathered(how: 'quickly' | 'slowly'): void {
    if (this.#over) return
    if (this.#client.request.complete) this.#arrived()
    this.#isHeldUp = how === 'slowly'
    this.#enter()
  }

  #enter(): void {
    const { response } = this.#client
    const isAwaited = (): boolean => this.upload.isAwaited(this.#attempt?.asked)
    this.#cancelWatch = watchClient(response, isAwaited, () => {
      this.#isHeldUp = true
      this.#exchange.waitsForClient()
    })
    this.#exchange.enter('request')
  }

  /** From the request's last byte on the replica is waited for, not the client. */
  #arrived(): void {
    if (this.#over) return
    this.#exchange.requestComplete()
    if (!this.#isAnswering) this.#client.request.socket.setTimeout(0)
  }

  #failed(failure: Failure): void {
    this.#attempt?.destroy()
    this.#attempt = undefined
    if (failure === 'stale') this.#fresh = true
    const mayAgain = this.#attempts < this.#parts.limits.attemptsMax && this.#isSafe(failure)
    if (this.#exchange.failed(failure, mayAgain)) return
    this.#replyOwn(failureAnswer(failure, this.#name), 'failed')
  }

  /** Whether another replica can be asked for the same with no risk of doing it twice. */
  #isSafe(failure: Failure): boolean {
    if (failure === 'connect') return this.upload.isWhole
    return (failure === 'stale' || failure === 'silent') && this.upload.isRepeatable
  }

  #shapeOf({ headers }: IncomingMessage, replica: ReplicaState): AnswerShape {
    const { request, response } = this.#client
    // What is left of the request cannot be told from the next one once the answer is out.
    const isRead = this.upload.isComplete && !this.#parts.isClosing
    const hasEnd = request.httpVersion === '1.1' || headers['content-length'] !== undefined
    const stays = response.shouldKeepAlive && isRead && hasEnd
    const empty = this.#out.method === 'HEAD' && request.method !== 'HEAD'
    const { affinity, service } = this.#exchange
    const cookie = cookieToSet(service.fragment, replica, affinity)
    return { connection: stays ? 'keep-alive' : 'close', empty, cookie }
  }

  /** Nothing moves on the client's connection, though its request is not whole. */
  #silent(): void {
    const { request } = this.#client
    if (this.upload.isAwaited(this.#attempt?.asked)) this.#reject(408)
    else request.socket.setTimeout(this.#parts.limits.bodyIdleMs)
  }

  #reject(status: number): void {
    if (this.#isAnswering) this.cut()
    else this.#replyOwn(rejection(status), 'aborted')
  }

  /** What is meant to last is not meant here. */
  #expire(): void {
    if (this.#over || this.#exchange.isLasting) return
    if (this.#isAnswering) this.cut()
    else this.#replyOwn(lateAnswer(this.#name), 'failed')
  }

  #replyOwn(answer: OwnAnswer, kind: 'failed' | 'unserved' | 'aborted'): void {
    if (this.#over) return
    const { response } = this.#client
    this.#exchange.finish(kind, answer.status)
    if (!this.upload.isComplete || this.#parts.isClosing) response.shouldKeepAlive = false
    this.#close()
    replyOwn(response, answer)
  }

  #close(): void {
    const { request } = this.#client
    this.#over = true
    this.#cancelTotal()
    this.#cancelWatch()
    this.upload.leaveGathering()
    request.off('timeout', this.#onSilence)
    this.#parts.connections.leave(request.socket, this)
    this.#attempt?.destroy()
    this.#attempt = undefined
    this.#parts.underWay -= 1
  }
}
