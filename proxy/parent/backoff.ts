import type { Clock } from '../../shared/clock.ts'

const PAUSE_MS = 200
const PAUSE_MAX_MS = 10_000
/** Who served for so long did not die of how it was started. */
const SETTLED_MS = 10_000

/** How long to wait before another carrier is started: not at all, unless the last one died early. */
export class Backoff {
  readonly #clock: Clock
  #deaths = 0
  #servesSinceMs = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  served(): void {
    this.#servesSinceMs = this.#clock.nowMs()
  }

  /** Waits as long as this death demands. */
  async wait(signal: AbortSignal): Promise<void> {
    if (this.#clock.nowMs() - this.#servesSinceMs >= SETTLED_MS) this.#deaths = 0
    this.#servesSinceMs = Number.POSITIVE_INFINITY
    const pauseMs =
      this.#deaths === 0 ? 0 : Math.min(PAUSE_MAX_MS, PAUSE_MS * 2 ** (this.#deaths - 1))
    this.#deaths += 1
    await this.#clock.sleep(pauseMs, signal)
  }
}
