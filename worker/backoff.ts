import type { Clock } from '../shared/clock.ts'

/** Waits longer after each failure, and never exactly as long as the others do. */
export class Backoff {
  readonly #clock: Clock
  readonly #minMs: number
  readonly #maxMs: number
  #nextMs: number

  constructor(clock: Clock, minMs: number, maxMs: number) {
    this.#clock = clock
    this.#minMs = minMs
    this.#maxMs = maxMs
    this.#nextMs = minMs
  }

  async pause(signal: AbortSignal): Promise<void> {
    const ms = this.#nextMs * (0.5 + Math.random() / 2)
    this.#nextMs = Math.min(this.#maxMs, this.#nextMs * 2)
    await this.#clock.sleep(ms, signal)
  }

  reset(): void {
    this.#nextMs = this.#minMs
  }
}
