import { Bell } from '../shared/bell.ts'
import type { Clock } from '../shared/clock.ts'
import type { ReplicaId } from '../shared/model.ts'
import type { StartProgress as Progress } from '../shared/stream-protocol.ts'

interface Start {
  latest: Progress
  isOver: boolean
  readonly bells: Set<Bell>
}

/** A sign of life for whoever waits; news ring earlier. */
const WAKE_EVERY_MS = 60_000

/** How far the starts are that are under way, for those who watch: only the latest word counts. */
export class StartProgress {
  readonly #clock: Clock
  readonly #starts = new Map<ReplicaId, Start>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  tell(replica: ReplicaId, progress: Progress): void {
    const start = this.#starts.get(replica) ?? { latest: progress, isOver: false, bells: new Set() }
    start.latest = progress
    this.#starts.set(replica, start)
    for (const bell of start.bells) bell.ring()
  }

  /** It runs, or it has failed. */
  ended(replica: ReplicaId): void {
    const start = this.#starts.get(replica)
    if (start === undefined) return
    this.#starts.delete(replica)
    start.isOver = true
    for (const bell of start.bells) bell.ring()
  }

  /** What is known now and what comes; ends with the start, at once when none is under way. */
  async *follow(replica: ReplicaId, signal: AbortSignal): AsyncGenerator<Progress> {
    const start = this.#starts.get(replica)
    if (start === undefined) return
    const bell = new Bell()
    start.bells.add(bell)
    try {
      let told: Progress | undefined
      while (!signal.aborted) {
        const { latest, isOver } = start
        if (latest !== told) {
          told = latest
          yield latest
        } else if (isOver) return
        else await bell.wait(WAKE_EVERY_MS, this.#clock, signal)
      }
    } finally {
      start.bells.delete(bell)
    }
  }
}
