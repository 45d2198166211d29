/** Wakes everybody who waits for the next change of one thing. */
export class WaitingRoom {
  #waiting = new Set<() => void>()
  #rings = 0
  #closed = false

  get closed(): boolean {
    return this.#closed
  }

  /** Look at it before looking at the log: a ring between the two is then not slept through. */
  get rings(): number {
    return this.#rings
  }

  ring(): void {
    this.#rings += 1
    const waiting = this.#waiting
    this.#waiting = new Set()
    for (const wake of waiting) wake()
  }

  close(): void {
    this.#closed = true
    this.ring()
  }

  /** Resolves at the next ring, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void> {
    return this.rungSince(this.#rings, signal)
  }

  /** Resolves once it rang more than `rings` times, or when the signal aborts. */
  rungSince(rings: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#rings > rings || this.#closed || signal.aborted) return resolve()
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}
