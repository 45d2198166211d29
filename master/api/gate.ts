import type { Kind } from './route.ts'

export interface GateLimits {
  readonly reportsMax: number
  readonly longPollsMax: number
  readonly writesMax: number
  readonly readsMax: number
  readonly streamsMax: number
  /** How late the event loop runs; the later, the fewer kinds are served. */
  readonly lagMs?: () => number
}

/** With this lag the kind is refused: heartbeats go on longest, streams are the first to wait. */
const LAG_MAX_MS: Readonly<Record<Kind, number>> = {
  report: Number.POSITIVE_INFINITY,
  news: 5_000,
  write: 2_000,
  read: 1_000,
  stream: 500,
}

/** Keeps each kind of request to its share, so that no crowd drowns the heartbeats. */
export class Gate {
  readonly #max: Readonly<Record<Kind, number>>
  readonly #lagMs: () => number
  readonly #inside: Record<Kind, number> = { report: 0, news: 0, write: 0, read: 0, stream: 0 }

  constructor(limits: GateLimits) {
    this.#lagMs = limits.lagMs ?? (() => 0)
    this.#max = {
      report: limits.reportsMax,
      news: limits.longPollsMax,
      write: limits.writesMax,
      read: limits.readsMax,
      stream: limits.streamsMax,
    }
  }

  /** Answers how to leave again; undefined when there is no room. */
  enter(kind: Kind): (() => void) | undefined {
    const full = this.#inside[kind] >= this.#max[kind]
    if (full || this.#lagMs() > LAG_MAX_MS[kind]) return undefined
    this.#inside[kind] += 1
    let left = false
    return () => {
      if (!left) this.#inside[kind] -= 1
      left = true
    }
  }

  inside(kind: Kind): number {
    return this.#inside[kind]
  }
}
