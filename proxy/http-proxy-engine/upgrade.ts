import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { after } from '../../shared/clock.ts'
import type { ReplicaState } from '../decide/replica-state.ts'
import { type Caller, Exchange, type Failure, type Refusal } from '../exchange.ts'
import { failureAnswer, lateAnswer, type OwnAnswer, refusalAnswer } from '../http1/own-answer.ts'
import type { ServiceTraffic } from '../service-traffic.ts'
import { isPassable, shapeRefusal, shapeSwitch, switchesToWebSocket } from './answer.ts'
import { type Asker, Attempt, type Uploading } from './attempt.ts'
import { linger, refuse, type UnderWay } from './connections.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Outbound } from './outbound.ts'

const SWITCHING = 101

/** The package ends the request itself. */
const NO_BODY: Uploading = {
  isRepeatable: true,
  isAwaited: () => false,
  frame: () => undefined,
  sendTo: () => undefined,
}

export interface UpgradeClient {
  readonly socket: Socket
  /** What it said already, behind the head of the request. */
  readonly early: Buffer
}

/** A client's connection that asks to become a WebSocket. */
export class Upgrade implements Caller, Asker, UnderWay {
  readonly upload = NO_BODY
  readonly #socket: Socket
  #early: Buffer
  readonly #out: Outbound
  readonly #exchange: Exchange
  readonly #parts: EngineParts
  readonly #cancelTotal: () => void
  #attempt: Attempt | undefined = undefined
  #attempts = 0
  /** Of the answer that is passed on. */
  #status = 0
  #over = false

  constructor(
    { socket, early }: UpgradeClient,
    out: Outbound,
    service: ServiceTraffic,
    parts: EngineParts,
  ) {
    this.#socket = socket
    this.#early = early
    this.#out = out
    this.#parts = parts
    this.#exchange = new Exchange(service, this, out)
    this.#cancelTotal = after(parts.limits.totalTimeoutMs, () => this.#expire())
    parts.underWay += 1
  }

  begin(): void {
    this.#parts.connections.join(this.#socket, this)
    if (this.#over) return
    this.#exchange.requestComplete()
    this.#exchange.enter('upgrade')
  }

  ask(replica: ReplicaState): void {
    const { limits, proxy } = this.#parts
    this.#attempts += 1
    if (replica.inFlight + replica.lasting > limits.upstreamConnectionsMax) {
      this.#failed('connect')
      return
    }
    const attempt = new Attempt(replica, this.#out.target, this, this.#parts)
    this.#attempt = attempt
    const joined = (upstream: Socket): void => this.#joined(upstream)
    const client = { socket: this.#socket, early: this.#early, joined }
    // The package puts it back for the tunnel to read: once is enough.
    this.#early = Buffer.alloc(0)
    const { host, port } = replica.endpoint
    proxy.ws(this.#out, client, { host, port, agent: false }, attempt)
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

  hints(): void {
    // Whoever opens a WebSocket has no page to load meanwhile.
  }

  answered(attempt: Attempt, answer: IncomingMessage): boolean {
    const { statusCode = 0 } = answer
    const isSwitch = statusCode === SWITCHING && switchesToWebSocket(answer)
    if (!isSwitch && !isPassable(answer, this.#parts.limits.headersMax)) {
      this.#failed('sent')
      return false
    }
    this.#status = statusCode
    this.#exchange.answered(attempt.state)
    if (isSwitch) shapeSwitch(answer)
    else this.#passRefusalOn(attempt, answer)
    return true
  }

  lost(_: Attempt, failure: Failure): void {
    if (!this.#over) this.#failed(failure)
  }

  gone(): void {
    // A tunnel ends with both its sides.
    if (this.#status !== SWITCHING) this.#finish('aborted', 0)
  }

  broken(): boolean {
    return false
  }

  get #name(): string {
    return this.#exchange.service.fragment.name
  }

  /** They end together, whichever ends first; what was said before the end is still delivered. */
  #joined(upstream: Socket): void {
    this.#exchange.becameLasting()
    this.#cancelTotal()
    let open = 2
    const end = (other: Socket) => (): void => {
      open -= 1
      if (open > 0) other.destroySoon()
      else this.#finish('lasting', SWITCHING)
    }
    for (const [one, other] of [
      [this.#socket, upstream],
      [upstream, this.#socket],
    ] as const) {
      one.setTimeout(this.#parts.limits.lastingIdleMs, () => one.destroy())
      // Its 'close' follows and ends the other; nobody listening, it would end the program.
      one.on('error', () => one.destroy())
      if (one.destroyed) end(other)()
      else one.once('close', end(other))
    }
  }

  /** The package writes it on the connection, which says with its end where the answer ends. */
  #passRefusalOn({ asked }: Attempt, answer: IncomingMessage): void {
    shapeRefusal(answer)
    const cut = (): void => {
      if (answer.complete) return
      this.#finish('failed', this.#status)
      this.#socket.destroy()
    }
    answer.on('error', cut)
    answer.on('close', cut)
    asked?.setTimeout(this.#parts.limits.bodyIdleMs, () => asked.destroy())
    linger(this.#socket)
    this.#socket.once('finish', () => {
      this.#finish(this.#status < 500 ? 'answered' : 'failed', this.#status)
    })
  }

  #failed(failure: Failure): void {
    this.#attempt?.destroy()
    this.#attempt = undefined
    const isSafe = failure === 'connect' || failure === 'silent'
    const mayAgain = isSafe && this.#attempts < this.#parts.limits.attemptsMax
    if (this.#exchange.failed(failure, mayAgain)) return
    this.#replyOwn(failureAnswer(failure, this.#name), 'failed')
  }

  #expire(): void {
    if (this.#status === 0) this.#replyOwn(lateAnswer(this.#name), 'failed')
    else this.#socket.destroy()
  }

  #replyOwn(answer: OwnAnswer, kind: 'failed' | 'unserved'): void {
    if (this.#over) return
    this.#finish(kind, answer.status)
    refuse(this.#socket, answer)
  }

  #finish(kind: 'answered' | 'failed' | 'unserved' | 'aborted' | 'lasting', status: number): void {
    if (this.#over) return
    this.#over = true
    this.#cancelTotal()
    this.#exchange.finish(kind, status)
    this.#parts.connections.leave(this.#socket, this)
    this.#attempt?.destroy()
    this.#parts.underWay -= 1
  }
}
