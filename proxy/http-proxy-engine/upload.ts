import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { after } from '../../shared/clock.ts'
import { safeTrailers } from '../decide/headers.ts'
import { SLOW_AFTER_MS } from '../http1/client-patience.ts'
import type { Uploading } from './attempt.ts'
import type { Body, Outbound } from './outbound.ts'

export interface Client {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Writing it sends the head; what is meant for that would write it in another character set. */
const NOTHING = Buffer.alloc(0)

/** The body of a request on its way: begun only on an open connection, so it may be asked again. */
export class Upload implements Uploading {
  readonly #client: Client
  readonly #body: Body
  readonly #idempotent: boolean
  #begun = false
  #isGathering = false
  #mayContinue = false
  #cancelGathering: () => void = () => undefined

  constructor(client: Client, { body, idempotent }: Outbound) {
    this.#client = client
    this.#body = body
    this.#idempotent = idempotent
  }

  /** All of it came from the client. */
  get isComplete(): boolean {
    return this.#body.kind !== 'stream' || this.#client.request.complete
  }

  /** Whether another can be asked when nothing of it arrived. */
  get isWhole(): boolean {
    return this.#body.kind !== 'stream' || !this.#begun
  }

  get isRepeatable(): boolean {
    return this.#idempotent && this.#body.kind !== 'stream'
  }

  isAwaited(asked: ClientRequest | undefined): boolean {
    if (this.isComplete) return false
    return this.#isGathering || (this.#begun && asked?.writableNeedDrain === false)
  }

  /** Lets a client go on that waits for a word before it sends the body. */
  welcome(): void {
    if (!this.isHeldBack) return
    this.#mayContinue = true
    this.#client.response.writeContinue()
  }

  /** Whether the client waits for that word. */
  get isHeldBack(): boolean {
    return this.#body.kind === 'stream' && this.#body.awaitsContinue && !this.#mayContinue
  }

  /** Reads the body as far as memory is set aside for it, so that slow clients keep no replica. */
  gather(gathered: (how: 'quickly' | 'slowly') => void): void {
    const { request } = this.#client
    const end = (how: 'quickly' | 'slowly'): void => {
      this.leaveGathering()
      gathered(how)
    }
    const look = (): void => {
      if (request.complete || request.readableLength >= request.readableHighWaterMark)
        end('quickly')
    }
    const cancel = after(SLOW_AFTER_MS, () => end('slowly'))
    this.#isGathering = true
    this.#cancelGathering = () => {
      cancel()
      request.off('readable', look)
    }
    request.on('readable', look)
  }

  leaveGathering(): void {
    this.#isGathering = false
    this.#cancelGathering()
  }

  /**
   * How the body is framed is said here: of a DELETE or OPTIONS without a length the package says
   * that it is empty, and what it sent all the same would be read as another request.
   */
  frame(asked: ClientRequest): void {
    if (this.#body.kind !== 'stream' || !this.#body.chunked) return
    asked.removeHeader('content-length')
    asked.setHeader('transfer-encoding', 'chunked')
  }

  sendTo(asked: ClientRequest): void {
    this.#begun = true
    switch (this.#body.kind) {
      case 'none':
        asked.end()
        break
      case 'bytes':
        asked.end(this.#body.bytes)
        break
      case 'stream':
        this.#stream(asked)
    }
  }

  leave(asked: ClientRequest): void {
    if (this.#body.kind === 'stream') this.#client.request.unpipe(asked)
  }

  #stream(asked: ClientRequest): void {
    const { request } = this.#client
    asked.write(NOTHING)
    this.welcome()
    request.once('end', () => {
      if (!asked.destroyed) asked.addTrailers(safeTrailers(request.rawTrailers))
    })
    request.pipe(asked)
  }
}
