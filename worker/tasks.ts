/** Work under way side by side, whose expected failures are handled: any other is a bug. */
export class Tasks {
  readonly #tasks = new Set<Promise<unknown>>()
  readonly #onBug: () => void
  #bug: { readonly error: unknown } | undefined

  constructor(onBug: () => void) {
    this.#onBug = onBug
  }

  get isBroken(): boolean {
    return this.#bug !== undefined
  }

  begin(work: Promise<unknown>): void {
    const task = work
      .catch((error: unknown) => {
        this.#bug ??= { error }
        this.#onBug()
      })
      .finally(() => this.#tasks.delete(task))
    this.#tasks.add(task)
  }

  /** Waits for all of it, also for what it begins meanwhile; throws the first bug. */
  async ended(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
    if (this.#bug !== undefined) throw this.#bug.error
  }
}
