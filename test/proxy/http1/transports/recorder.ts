import { createHash } from 'node:crypto'
import type { Receiver, Transport } from '../../../../proxy/http1/transport.ts'
import { until } from '../../../support/until.ts'

export type Told = 'opened' | 'received' | 'drained' | 'ended' | 'closed'

/** Writes down what a connection tells, and what it must not: within a call, after the end. */
export class Recorder implements Receiver {
  readonly told: Told[] = []
  readonly wrongs: string[] = []
  reason: string | undefined
  receivedBytes = 0
  /** What to do when it is told, after it was written down. */
  onReceived: (bytes: Buffer, length: number) => void = () => undefined
  onDrained: () => void = () => undefined
  onTold: (told: Told) => void = () => undefined
  readonly #hash = createHash('sha256')
  readonly #kept: Buffer[] = []
  #transport: Transport | undefined
  #within: string | undefined
  #isDestroyed = false

  get transport(): Transport {
    if (this.#transport === undefined) throw new Error('no transport yet')
    return this.#transport
  }

  set transport(transport: Transport) {
    this.#transport = transport
  }

  get text(): string {
    return Buffer.concat(this.#kept).toString('latin1')
  }

  get digest(): string {
    return this.#hash.copy().digest('hex')
  }

  has(told: Told): boolean {
    return this.told.includes(told)
  }

  async hears(told: Told): Promise<void> {
    await until(() => this.has(told), { everyMs: 2 })
  }

  async hearsText(text: string): Promise<void> {
    await until(() => this.text === text, { everyMs: 2 })
  }

  send(bytes: Buffer | string, from = 0, to?: number): boolean {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    return this.#call('send', (transport) => transport.send(buffer, from, to ?? buffer.length))
  }

  pause(): void {
    this.#call('pause', (transport) => transport.pause())
  }

  resume(): void {
    this.#call('resume', (transport) => transport.resume())
  }

  end(): void {
    this.#call('end', (transport) => transport.end())
  }

  destroy(): void {
    this.#isDestroyed = true
    this.#call('destroy', (transport) => transport.destroy())
  }

  opened(): void {
    this.#tell('opened')
  }

  received(bytes: Buffer, length: number): void {
    const lent = bytes.subarray(0, length)
    this.receivedBytes += length
    this.#hash.update(lent)
    if (this.receivedBytes <= 10_000) this.#kept.push(Buffer.from(lent))
    this.#tell('received')
    this.onReceived(bytes, length)
  }

  drained(): void {
    this.#tell('drained')
    this.onDrained()
  }

  ended(): void {
    this.#tell('ended')
  }

  closed(reason: string | undefined): void {
    this.#tell('closed')
    this.reason = reason
  }

  #call<T>(name: string, task: (transport: Transport) => T): T {
    const outer = this.#within
    this.#within = name
    try {
      return task(this.transport)
    } finally {
      this.#within = outer
    }
  }

  #tell(told: Told): void {
    if (this.#within !== undefined) this.wrongs.push(`${told} within ${this.#within}()`)
    if (this.has('closed')) this.wrongs.push(`${told} after closed`)
    if (this.#isDestroyed && told !== 'closed') this.wrongs.push(`${told} after destroy()`)
    if (told !== 'received' && told !== 'drained' && this.has(told))
      this.wrongs.push(`${told} twice`)
    this.told.push(told)
    this.onTold(told)
  }
}
