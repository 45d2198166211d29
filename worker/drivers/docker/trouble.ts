/** Whether the engine answers: set and cleared by its pings, told once for each change. */
import type { Clock } from '../../../shared/clock.ts'
import type { Log } from '../../../shared/log.ts'
import type { EngineError } from './engine-error.ts'

export interface TroubleParts {
  readonly address: string
  readonly clock: Clock
  readonly log: Log
  /** Asks the engine now whether it is there; throws when it is not. */
  readonly ping: () => Promise<unknown>
}

interface Outage {
  readonly fromMs: number
  readonly toMs: number
}

/** An engine that stops is noticed a little later. */
const NOTICED_WITHIN_MS = 3_000

export class Trouble {
  readonly #parts: TroubleParts
  readonly #listeners = new Set<() => void>()
  #current: { readonly sentence: string; readonly sinceMs: number } | undefined
  #last: Outage | undefined
  #pinging: Promise<void> | undefined

  constructor(parts: TroubleParts) {
    this.#parts = parts
  }

  get sentence(): string | undefined {
    return this.#current?.sentence
  }

  /** Calls back on each change until the answer is called. */
  listen(heard: () => void): () => void {
    this.#listeners.add(heard)
    return () => this.#listeners.delete(heard)
  }

  /** What a call has shown: a success clears, a failure only raises a doubt that a ping decides. */
  note(failure: EngineError | undefined): void {
    if (failure === undefined) this.#clear()
    else void this.check()
  }

  /** Resolves when a ping has told how it is now; several who ask share one. */
  check(): Promise<void> {
    this.#pinging ??= this.#decide().finally(() => {
      this.#pinging = undefined
    })
    return this.#pinging
  }

  /** Whether the engine was away at that moment. */
  covers(atMs: number): boolean {
    const outages = [this.#last, this.#current && { fromMs: this.#current.sinceMs, toMs: Infinity }]
    return outages.some((one) => one && atMs >= one.fromMs - NOTICED_WITHIN_MS && atMs <= one.toMs)
  }

  async #decide(): Promise<void> {
    const { ping } = this.#parts
    await ping().then(
      () => this.#clear(),
      (error: EngineError) => this.#set(error),
    )
  }

  #set({ detail }: EngineError): void {
    if (this.#current !== undefined) return
    const { address, clock, log } = this.#parts
    const sinceMs = clock.nowMs()
    const since = new Date(sinceMs).toISOString().slice(0, 19)
    const sentence = `the Docker Engine at ${address} is away since ${since}Z: ${detail}`
    this.#current = { sentence, sinceMs }
    log.error('Docker Engine is away', { address, reason: detail })
    this.#tell()
  }

  #clear(): void {
    if (this.#current === undefined) return
    const { address, clock, log } = this.#parts
    const { sinceMs } = this.#current
    const toMs = clock.nowMs()
    this.#last = { fromMs: sinceMs, toMs }
    this.#current = undefined
    log.info('Docker Engine is back', { address, awayMs: Math.round(toMs - sinceMs) })
    this.#tell()
  }

  #tell(): void {
    for (const heard of this.#listeners) heard()
  }
}
