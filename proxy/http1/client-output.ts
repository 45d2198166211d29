import type { Transport } from './transport.ts'

/** What is written to a client, in its order. */
export class ClientOutput {
  readonly #transport: Transport
  /** Own words that wait until what is pending is written. */
  #backlog: Buffer | undefined = undefined

  constructor(transport: Transport) {
    this.#transport = transport
  }

  get isPending(): boolean {
    return this.#transport.isPending || this.#backlog !== undefined
  }

  /** False: it is pending, and the memory must stay as it is until all is written. */
  write(bytes: Buffer, from: number, to: number): boolean {
    if (!this.isPending) return this.#transport.send(bytes, from, to)
    // Only small words of the proxy's own come while something is pending.
    const piece = Buffer.from(bytes.subarray(from, to))
    this.#backlog = this.#backlog === undefined ? piece : Buffer.concat([this.#backlog, piece])
    return false
  }

  /** What was pending is written. Answers whether that was all. */
  drained(): boolean {
    const backlog = this.#backlog
    this.#backlog = undefined
    return backlog === undefined || this.#transport.send(backlog, 0, backlog.length)
  }
}
