import { randomFillSync } from 'node:crypto'

const POOL_BYTES = 8_192
const HEX = Buffer.from('0123456789abcdef')

/** Random identifiers, drawn in bulk: one by one they would cost more than all else in a head. */
export class RandomIds {
  readonly #pool = Buffer.allocUnsafeSlow(POOL_BYTES)
  #at = POOL_BYTES

  /** Draws `bytes` new random bytes; they stay readable until the next draw. */
  draw(bytes: number): number {
    if (this.#at + bytes > POOL_BYTES) {
      randomFillSync(this.#pool)
      this.#at = 0
    }
    const from = this.#at
    this.#at += bytes
    return from
  }

  /** Writes drawn bytes as twice as many hexadecimal digits. */
  write(into: Buffer, at: number, from: number, bytes: number): void {
    for (let index = 0; index < bytes; index += 1) {
      const byte = this.#pool[from + index] ?? 0
      into[at + 2 * index] = HEX[byte >> 4] ?? 0
      into[at + 2 * index + 1] = HEX[byte & 15] ?? 0
    }
  }
}
