/** Memory for requests on their way: it keeps what a replica is asked until it has answered. */
const SMALL_BYTES = 2_048
const MIDDLE_BYTES = 20_480
const SMALL_KEPT = 1_024
const MIDDLE_KEPT = 64

/** Hands out buffers and takes them back, so that a request costs no new memory. */
export class Outgoing {
  readonly #small: Buffer[] = []
  readonly #middle: Buffer[] = []

  /** A buffer of at least that size; its content is whatever it was. */
  lease(bytes: number): Buffer {
    if (bytes <= SMALL_BYTES) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BYTES)
    if (bytes <= MIDDLE_BYTES) return this.#middle.pop() ?? Buffer.allocUnsafeSlow(MIDDLE_BYTES)
    return Buffer.allocUnsafeSlow(bytes)
  }

  /** Only what nobody reads or writes any more. */
  giveBack(buffer: Buffer): void {
    if (buffer.length === SMALL_BYTES && this.#small.length < SMALL_KEPT) this.#small.push(buffer)
    else if (buffer.length === MIDDLE_BYTES && this.#middle.length < MIDDLE_KEPT) {
      this.#middle.push(buffer)
    }
  }
}
