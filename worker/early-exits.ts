import type { Exit } from './drivers/driver.ts'

/** Enough for all starts that can be under way at once. */
const KEPT_MAX = 1_000

/** Exits of runs whose start has not been answered yet, by their handle. */
export class EarlyExits {
  readonly #exits = new Map<string, Exit>()

  keep(exit: Exit): void {
    if (this.#exits.size < KEPT_MAX) this.#exits.set(exit.handle, exit)
  }

  take(handle: string): Exit | undefined {
    const exit = this.#exits.get(handle)
    this.#exits.delete(handle)
    return exit
  }
}
