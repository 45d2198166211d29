import type { Clock } from '../../shared/clock.ts'

interface Sleeper {
  readonly wakesAtMs: number
  readonly wake: () => void
}

/** Enough turns for a chain of awaits that follows a wake-up to reach its next sleep. */
const TURNS = 50

/** A clock that stands still until a test advances it. */
export class FakeClock implements Clock {
  #nowMs: number
  readonly #sleepers = new Set<Sleeper>()

  constructor(startMs = 1_000_000) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  /** How many sleeps stand open: lets a test wait for a loop to have come to rest. */
  get sleeping(): number {
    return this.#sleepers.size
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const wake = (): void => {
        this.#sleepers.delete(sleeper)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      const sleeper = { wakesAtMs: this.#nowMs + Math.max(0, ms), wake }
      this.#sleepers.add(sleeper)
      signal?.addEventListener('abort', wake, { once: true })
    })
  }

  /** Moves on by `ms`, waking each sleeper at its own moment and letting it run before the next. */
  async advance(ms: number): Promise<void> {
    const endsAtMs = this.#nowMs + ms
    await settle()
    for (let next = this.#next(endsAtMs); next !== undefined; next = this.#next(endsAtMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.wakesAtMs)
      next.wake()
      await settle()
    }
    this.#nowMs = endsAtMs
  }

  /** The earliest due sleeper; of equals the one that fell asleep first. */
  #next(limitMs: number): Sleeper | undefined {
    let first: Sleeper | undefined
    for (const sleeper of this.#sleepers) {
      if (sleeper.wakesAtMs > limitMs) continue
      if (first === undefined || sleeper.wakesAtMs < first.wakesAtMs) first = sleeper
    }
    return first
  }
}

/** Lets everything run that waits for neither the clock nor the network. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await Promise.resolve()
  await new Promise<void>((resolve) => setImmediate(resolve))
}
