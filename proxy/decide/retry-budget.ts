export interface RetryLimits {
  /** Retries per hundred requests. */
  readonly percent: number
  /** Retries that may be saved up, and are there at the start. */
  readonly reserve: number
}

const HUNDREDTHS = 100

/** Keeps retries a small share of the requests, so that they cannot become the overload. */
export class RetryBudget {
  readonly #limits: RetryLimits
  /** In hundredths of a retry, which add up exactly. */
  #saved: number

  constructor(limits: RetryLimits) {
    this.#limits = limits
    this.#saved = HUNDREDTHS * limits.reserve
  }

  arrived(): void {
    const { percent, reserve } = this.#limits
    this.#saved = Math.min(HUNDREDTHS * reserve, this.#saved + percent)
  }

  /** Takes one retry, if there is one. */
  take(): boolean {
    if (this.#saved < HUNDREDTHS) return false
    this.#saved -= HUNDREDTHS
    return true
  }
}
