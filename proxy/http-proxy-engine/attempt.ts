import type { ClientRequest, IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { after } from '../../shared/clock.ts'
import type { ReplicaId } from '../../shared/model.ts'
import type { ReplicaState } from '../decide/replica-state.ts'
import type { Failure } from '../exchange.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Expecting } from './expected.ts'
import type { Hearer } from './http-proxy.ts'

/** The body that goes along, as far as an attempt needs to know. */
export interface Uploading {
  readonly isRepeatable: boolean
  /** Whether the client is waited for: not the replica, and not the queue. */
  isAwaited(asked: ClientRequest | undefined): boolean
  /** Says how it is framed. */
  frame(asked: ClientRequest): void
  sendTo(asked: ClientRequest): void
}

/** Who asks a replica, and hears how that ended. */
export interface Asker {
  readonly upload: Uploading
  hints(link: string): void
  /** Answers whether the package may pass it on. */
  answered(attempt: Attempt, answer: IncomingMessage): boolean
  lost(attempt: Attempt, failure: Failure): void
}

const EARLY_HINTS = 103

/** A request as one replica is asked it, until the head of the answer is there. */
export class Attempt implements Hearer, Expecting {
  readonly state: ReplicaState
  readonly #target: string
  readonly #asker: Asker
  readonly #parts: EngineParts
  #asked: ClientRequest | undefined = undefined
  #isConnected = false
  #bytesBefore = 0
  #isLate = false
  #isOver = false
  #cancel: () => void = () => undefined

  constructor(state: ReplicaState, target: string, asker: Asker, parts: EngineParts) {
    this.state = state
    this.#target = target
    this.#asker = asker
    this.#parts = parts
    parts.expected.add(this)
    this.#arm(parts.limits.connectTimeoutMs)
  }

  get replica(): ReplicaId {
    return this.state.id
  }

  get asked(): ClientRequest | undefined {
    return this.#asked
  }

  asking(asked: ClientRequest): void {
    this.#asked = asked
    // The package joins slashes that follow on each other.
    asked.path = this.#target
    // Node would drop further headers silently.
    asked.maxHeadersCount = 0
    this.#asker.upload.frame(asked)
    asked.on('information', ({ statusCode, headers: { link } }) => {
      if (statusCode === EARLY_HINTS && typeof link === 'string') this.#asker.hints(link)
    })
    asked.once('socket', (socket) => {
      if (socket.connecting) socket.once('connect', () => this.#connected(asked, socket))
      else this.#connected(asked, socket)
    })
  }

  answered(answer: IncomingMessage): boolean {
    if (this.#isOver) return false
    this.#settle()
    return this.#asker.answered(this, answer)
  }

  failed(): void {
    if (this.#isOver) return
    this.#settle()
    this.#asker.lost(this, this.#failure())
  }

  giveUp(): void {
    if (this.#asker.upload.isRepeatable) this.#asked?.destroy(new Error('its machine is lost'))
  }

  /** Ends it; nobody hears of it any more. */
  destroy(): void {
    this.#settle()
    this.#asked?.destroy()
  }

  #settle(): void {
    this.#isOver = true
    this.#cancel()
    this.#parts.expected.delete(this)
  }

  #connected(asked: ClientRequest, socket: Socket): void {
    if (this.#isOver) return
    this.#isConnected = true
    this.#bytesBefore = socket.bytesRead
    this.#arm(this.#parts.limits.answerTimeoutMs)
    this.#asker.upload.sendTo(asked)
  }

  #arm(ms: number): void {
    this.#cancel()
    this.#cancel = after(ms, () => {
      // While the client still sends, it is the one that is watched.
      if (this.#asker.upload.isAwaited(this.#asked)) this.#arm(ms)
      else this.#expire()
    })
  }

  #expire(): void {
    this.#isLate = true
    this.#asked?.destroy(new Error('it took too long'))
  }

  #failure(): Failure {
    if (!this.#isConnected) return 'connect'
    if (this.#isLate) return 'timeout'
    const { socket, reusedSocket } = this.#asked ?? {}
    if ((socket?.bytesRead ?? 0) !== this.#bytesBefore) return 'sent'
    return reusedSocket === true ? 'stale' : 'silent'
  }
}
