import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

const PAUSE_MIN_MS = 200
const PAUSE_MAX_MS = 5_000

/** Says once that a master went away or came back, and how long to wait before asking again. */
export class Reachability {
  readonly #log: Log
  readonly #purpose: string
  #failures = 0

  constructor(log: Log, purpose: string) {
    this.#log = log
    this.#purpose = purpose
  }

  get isReachable(): boolean {
    return this.#failures === 0
  }

  succeeded(): void {
    if (this.#failures > 0) this.#log.info('master answers again', { purpose: this.#purpose })
    this.#failures = 0
  }

  /** Answers the pause until the next try: doubling, a little different on every proxy. */
  failed(error: unknown): number {
    if (this.#failures === 0) {
      const fields = { purpose: this.#purpose, reason: sentenceOf(error) }
      this.#log.warn('master does not help, going on without it', fields)
    }
    const pauseMs = Math.min(PAUSE_MAX_MS, PAUSE_MIN_MS * 2 ** this.#failures)
    this.#failures = Math.min(this.#failures + 1, 10)
    return pauseMs * (0.75 + Math.random() / 2)
  }
}
