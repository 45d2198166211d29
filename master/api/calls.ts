import { after } from '../../shared/clock.ts'

/** The signals of the calls being served: each ends with its client, its wait, or the master. */
export class Calls {
  readonly #open = new Set<AbortController>()

  constructor(ending: AbortSignal) {
    // One listener for all: thousands of derived signals on a lasting one would pile up.
    ending.addEventListener('abort', () => this.#endAll(), { once: true })
  }

  begin(ending: AbortSignal, waitMs?: number): Lifetime {
    const controller = new AbortController()
    if (ending.aborted) controller.abort()
    this.#open.add(controller)
    const cancel = waitMs === undefined ? () => undefined : after(waitMs, () => controller.abort())
    return {
      signal: controller.signal,
      end: () => {
        cancel()
        this.#open.delete(controller)
        controller.abort()
      },
    }
  }

  #endAll(): void {
    for (const controller of this.#open) controller.abort()
  }
}

export interface Lifetime {
  readonly signal: AbortSignal
  end(): void
}
