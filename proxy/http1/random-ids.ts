import { randomFillSync } from 'node:crypto'

/** Two hexadecimal digits for each byte. */
const HEX = Buffer.from(Array.from({ length: 256 }, (_, byte) => byteText(byte)).join(''))
const STATE_WORDS = 4

/**
 * Identifiers that no two requests share: xoshiro128** from a random seed. They name requests and
 * prove nothing, so they need not be unpredictable, but cheap: each request takes some.
 */
export class RandomIds {
  readonly #state = new Int32Array(STATE_WORDS)

  constructor() {
    randomFillSync(this.#state)
    // Zeros alone would stay zeros.
    this.#state[0] = (this.#state[0] ?? 0) | 1
  }

  /** Writes so many random words as eight hexadecimal digits each. */
  write(into: Buffer, at: number, words: number): void {
    for (let word = 0; word < words; word += 1) writeWord(into, at + 8 * word, this.#next())
  }

  #next(): number {
    const state = this.#state
    const a = state[0] ?? 0
    const b = state[1] ?? 0
    const c = state[2] ?? 0
    const d = state[3] ?? 0
    const result = Math.imul(rotated(Math.imul(b, 5), 7), 9)
    const third = c ^ a
    const fourth = d ^ b
    state[1] = b ^ third
    state[0] = a ^ fourth
    state[2] = third ^ (b << 9)
    state[3] = rotated(fourth, 11)
    return result
  }
}

function rotated(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits))
}

function writeWord(into: Buffer, at: number, word: number): void {
  for (let byte = 0; byte < 4; byte += 1) {
    const pair = ((word >>> (24 - 8 * byte)) & 255) * 2
    into[at + 2 * byte] = HEX[pair] ?? 0
    into[at + 2 * byte + 1] = HEX[pair + 1] ?? 0
  }
}

function byteText(byte: number): string {
  return byte.toString(16).padStart(2, '0')
}
