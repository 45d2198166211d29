/** Numbers and bytes that are random and still the same in every run of one seed. */
export class Seeded {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number in [from, to]. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  /** In [from, to], small ones as likely as large ones on a scale of powers. */
  scaled(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.next())
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }
}

const SOURCE_BYTES = 4 * 1024 * 1024

/** Every body is a stretch of this: whoever knows its place can check each byte of it. */
export const SOURCE = sourceBytes()

function sourceBytes(): Buffer {
  const random = new Seeded(7)
  const words = new Uint32Array(SOURCE_BYTES / 4)
  for (let at = 0; at < words.length; at += 1) words[at] = random.next() * 2 ** 32
  return Buffer.from(words.buffer)
}
