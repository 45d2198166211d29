export interface RetryLimits {
  /** Retries per hundred requests. */
  readonly percent: number
  /** Retries that may be saved up, and are there at the start. */
  readonly reserve: number
}

/** Keeps retries a small share of the requests, so that they cannot become the overload. */
export class RetryBudget {
  readonly #limits: RetryLimits
  #saved: number

  constructor(limits: RetryLimits) {
    this.#limits = limits
    this.#saved = limits.reserve
  }

  arrived(): void {
    this.#saved = Math.min(this.#limits.reserve, this.#saved + this.#limits.percent / 100)
  }

  /** Takes one retry, if there is one. */
  take(): boolean {
    if (this.#saved < 1) return false
    this.#saved -= 1
    return true
  }
}
