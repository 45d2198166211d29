import { after } from '../../shared/clock.ts'

/** What ends, or does something, when its time has come. */
export interface Timed {
  /** Infinity: nothing is due. */
  dueAtMs: number
  /** Its place among all that are watched: theirs, nobody else's. */
  place: number
  due(nowMs: number): void
}

const SWEEP_MS = 100

/**
 * Watches over any number of deadlines with one timer: setting one is a plain assignment. It comes
 * up to a tenth of a second late, which no limit of a connection minds.
 */
export class Deadlines {
  /** The time as it was at the last look: near enough for setting deadlines, and free. */
  nowMs = 0
  readonly #clock: () => number
  readonly #watched: Timed[] = []
  #sweeping = false
  #cancel: () => void = () => undefined

  constructor(clock: () => number) {
    this.#clock = clock
  }

  watch(timed: Timed): void {
    timed.place = this.#watched.length
    this.#watched.push(timed)
    if (this.#sweeping) return
    this.#sweeping = true
    this.nowMs = this.#clock()
    this.#cancel = after(SWEEP_MS, () => this.#sweep())
  }

  /** Forgets it; the last one takes its place, so nothing moves. */
  forget(timed: Timed): void {
    const last = this.#watched.pop()
    if (last === undefined || last === timed) return
    last.place = timed.place
    this.#watched[timed.place] = last
  }

  stop(): void {
    this.#cancel()
    this.#sweeping = true
  }

  #sweep(): void {
    const nowMs = this.#clock()
    this.nowMs = nowMs
    // Backwards: whoever ends is replaced by one that was looked at already.
    for (let at = this.#watched.length - 1; at >= 0; at -= 1) {
      const timed = this.#watched[at]
      if (timed !== undefined && timed.dueAtMs <= nowMs) timed.due(nowMs)
    }
    this.#sweeping = this.#watched.length > 0
    if (this.#sweeping) this.#cancel = after(SWEEP_MS, () => this.#sweep())
  }
}
