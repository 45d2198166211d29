import type { Receiver, Transport } from '../transport.ts'

const PERIOD_BYTES = 65_521
const CHUNK_PERIODS = 16

/** What probes send to each other: any byte that is lost, doubled or overwritten shows. */
export class Pattern {
  /** The most that is sent at once. */
  readonly chunkBytes = PERIOD_BYTES * CHUNK_PERIODS
  readonly bytes = Buffer.allocUnsafeSlow(PERIOD_BYTES * (CHUNK_PERIODS + 1))

  constructor() {
    for (let at = 0; at < PERIOD_BYTES; at += 1) this.bytes[at] = (at * 31) ^ (at >> 8)
    for (let at = PERIOD_BYTES; at < this.bytes.length; at += PERIOD_BYTES) {
      this.bytes.copy(this.bytes, at, 0, PERIOD_BYTES)
    }
  }

  /** Where that byte of the endless pattern is. */
  indexOf(offset: number): number {
    return offset % PERIOD_BYTES
  }

  /** Whether these are the bytes of the endless pattern from there on. */
  isAt(offset: number, bytes: Buffer, length: number): boolean {
    const from = this.indexOf(offset)
    return this.bytes.compare(bytes, 0, length, from, from + length) === 0
  }
}

/** One end of a connection that is tried out; lets a check wait for what it should hear. */
export class Probe implements Receiver {
  receivedBytes = 0
  sentBytes = 0
  drains = 0
  isOpen = false
  hasEnded = false
  isClosed = false
  /** Whether each byte came as it was sent, and nothing came that must not. */
  isIntact = true
  reason: string | undefined
  /** Called with each read, after it was counted. */
  onReceived: (bytes: Buffer, length: number) => void = () => undefined
  readonly #pattern: Pattern
  #transport: Transport | undefined
  #recheck: () => void = () => undefined

  constructor(pattern: Pattern) {
    this.#pattern = pattern
  }

  get transport(): Transport {
    if (this.#transport === undefined) throw new Error('it has no connection')
    return this.#transport
  }

  set transport(transport: Transport) {
    this.#transport = transport
  }

  /** Sends what comes next in the pattern; says whether it was written at once. */
  send(length: number): boolean {
    const from = this.#pattern.indexOf(this.sentBytes)
    this.sentBytes += length
    return this.transport.send(this.#pattern.bytes, from, from + length)
  }

  async sendAll(length: number): Promise<void> {
    const { drains } = this
    if (!this.send(length)) await this.until(() => this.drains > drains)
  }

  /** Resolves once it is so; asks again whenever something was heard. */
  async until(isSo: () => boolean): Promise<void> {
    if (isSo()) return
    await new Promise<void>((resolve) => {
      this.#recheck = () => {
        if (isSo()) resolve()
      }
    })
    this.#recheck = () => undefined
  }

  opened(): void {
    this.#hear(this.isOpen)
    this.isOpen = true
    this.#recheck()
  }

  received(bytes: Buffer, length: number): void {
    this.#hear(!this.#pattern.isAt(this.receivedBytes, bytes, length))
    this.receivedBytes += length
    this.onReceived(bytes, length)
    this.#recheck()
  }

  drained(): void {
    this.drains += 1
    this.#hear(false)
    this.#recheck()
  }

  ended(): void {
    this.#hear(this.hasEnded)
    this.hasEnded = true
    this.#recheck()
  }

  closed(reason: string | undefined): void {
    this.#hear(false)
    this.isClosed = true
    this.reason = reason
    this.#recheck()
  }

  #hear(isWrong: boolean): void {
    if (isWrong || this.isClosed) this.isIntact = false
  }
}
