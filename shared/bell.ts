import type { Clock } from './clock.ts'

/** Wakes one loop before its next turn. Ringing while nobody waits is remembered once. */
export class Bell {
  #rung = false
  #waiter: AbortController | undefined

  ring(): void {
    this.#rung = true
    this.#waiter?.abort()
  }

  /** Resolves when it rings, after `ms`, or when the signal aborts. */
  async wait(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const waiter = new AbortController()
      const abort = (): void => waiter.abort()
      signal.addEventListener('abort', abort, { once: true })
      this.#waiter = waiter
      await clock.sleep(ms, waiter.signal)
      this.#waiter = undefined
      signal.removeEventListener('abort', abort)
    }
    this.#rung = false
  }
}
