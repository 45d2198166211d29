import type { ReplicaPool } from '../replica-pool.ts'
import type { ReplicaState } from '../replica-state.ts'
import type { Candidates } from './candidates.ts'
import type { Choice } from './choice.ts'

/** How soon a queue makes slow replicas worth their while. */
const QUEUE_FACTOR = 3
/** How much a slow replica is shunned beyond its slowness where nobody knows what it can. */
const CAUTION = 1.3
/** Larger than any load: what is apart by it is never compared by load. */
const APART = 1e6

/** Least in flight first; a slow one only if waiting for a fast one would take longer. */
export class SlowAware implements Choice {
  readonly #pool: ReplicaPool
  readonly #avoidsSlow: boolean

  constructor(pool: ReplicaPool, avoidsSlow: boolean) {
    this.#pool = pool
    this.#avoidsSlow = avoidsSlow
  }

  pick({ list, count }: Candidates, nowMs: number, waiting: number): ReplicaState | undefined {
    const worthwhile = 1 + (QUEUE_FACTOR * (waiting + 1)) / this.#pool.permits
    let best: ReplicaState | undefined
    let bestCost = Number.POSITIVE_INFINITY
    for (let at = 0; at < count; at += 1) {
      const replica = list[at]
      if (replica === undefined) continue
      const cost = this.#costOf(replica, worthwhile, nowMs)
      // Among equals, who was idle longest.
      if (
        cost < bestCost ||
        (cost === bestCost && best !== undefined && replica.turn < best.turn)
      ) {
        best = replica
        bestCost = cost
      }
    }
    return best
  }

  /** Infinite: it is better to wait. */
  #costOf(replica: ReplicaState, worthwhile: number, nowMs: number): number {
    const cost = replica.load + APART * APART * replica.standing
    const slowness = this.#avoidsSlow ? this.#pool.slownessOf(replica, nowMs) : 1
    if (slowness <= this.#pool.alikeFactor) return cost
    // A guess at the permits says nothing of who is full: the load itself must count.
    if (!this.#pool.areToldPermits) return cost * slowness * CAUTION
    return slowness <= worthwhile ? cost + APART * slowness : Number.POSITIVE_INFINITY
  }
}
