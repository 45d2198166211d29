const SHARED_BYTES = 65_536
const SMALL_BYTES = 16_384
const LARGE_BYTES = 65_536
/** More than these at once are left to the collector, which works the harder for it. */
const LARGE_KEPT = 32

/** The memory that a connection's next bytes are read into. */
export interface ReadBuffer {
  readonly current: Buffer
  expectMuch(much: boolean): void
  /** Asked after each read: what is lent to the next one. `isDone`: nobody uses what was read. */
  next(isDone: boolean): Buffer
}

const shared = Buffer.allocUnsafeSlow(SHARED_BYTES)

/**
 * One for all connections that were accepted: a read and its callback happen in one go, so that no
 * two of them ever need it at once, and an idle connection costs no buffer.
 */
export const sharedBuffer: ReadBuffer = {
  current: shared,
  expectMuch: () => undefined,
  next: () => shared,
}

const spareLarge: Buffer[] = []

/** That of one opened connection: it grows while a large body is read. */
export class OwnBuffer implements ReadBuffer {
  readonly #small = Buffer.allocUnsafeSlow(SMALL_BYTES)
  // The kernel's side of the connection points into this one, so it is kept until `next` is asked.
  #current: Buffer = this.#small
  #isMuch = false

  get current(): Buffer {
    return this.#current
  }

  expectMuch(much: boolean): void {
    this.#isMuch = much
  }

  next(isDone: boolean): Buffer {
    const isLarge = this.#current !== this.#small
    if (isLarge === this.#isMuch) return this.#current
    if (isLarge && isDone) giveBack(this.#current)
    this.#current = this.#isMuch ? lease() : this.#small
    return this.#current
  }
}

function lease(): Buffer {
  return spareLarge.pop() ?? Buffer.allocUnsafeSlow(LARGE_BYTES)
}

function giveBack(buffer: Buffer): void {
  if (spareLarge.length < LARGE_KEPT) spareLarge.push(buffer)
}
