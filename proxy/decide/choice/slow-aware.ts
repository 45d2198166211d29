import type { ReplicaPool } from '../replica-pool.ts'
import type { ReplicaState } from '../replica-state.ts'
import type { Candidates } from './candidates.ts'
import type { Choice } from './choice.ts'

/** How soon a queue makes slow replicas worth their while. */
const QUEUE_FACTOR = 3
/** How much a slow replica is shunned beyond its slowness where the permits are a guess. */
const CAUTION = 1.3
/** Larger than any load: those that are less reliable come after all others. */
const APART = 1e9

/** Least in flight first; a slow one only if waiting for a fast one would take longer. */
export class SlowAware implements Choice {
  readonly #pool: ReplicaPool
  readonly #avoidsSlow: boolean

  constructor(pool: ReplicaPool, avoidsSlow: boolean) {
    this.#pool = pool
    this.#avoidsSlow = avoidsSlow
  }

  pick(among: Candidates, nowMs: number, waiting: number): ReplicaState | undefined {
    const worthwhile = this.#hasFast(among, nowMs)
      ? Number.NaN
      : 1 + (QUEUE_FACTOR * (waiting + 1)) / this.#pool.permits
    let best: ReplicaState | undefined
    let bestCost = Number.POSITIVE_INFINITY
    for (let at = 0; at < among.count; at += 1) {
      const replica = among.list[at]
      if (replica === undefined) continue
      const cost = this.#costOf(replica, worthwhile)
      // Among equals, who was idle longest.
      if (
        cost < bestCost ||
        (cost === bestCost && best !== undefined && replica.turn < best.turn)
      ) {
        best = replica
        bestCost = cost
      }
    }
    return best ?? (this.#isFastBusy(nowMs) ? undefined : leastSlow(among))
  }

  /** Whether a fast one will be free in a while: else nobody is worth waiting for. */
  #isFastBusy(nowMs: number): boolean {
    for (const replica of this.#pool.routed) {
      if (replica.inFlight > 0 && this.#slownessOf(replica, nowMs) === 1) return true
    }
    return false
  }

  /** Notes how slow each is, too. */
  #hasFast({ count, list }: Candidates, nowMs: number): boolean {
    let hasFast = false
    for (let at = 0; at < count; at += 1) {
      const replica = list[at]
      if (replica === undefined) continue
      replica.slowness = this.#slownessOf(replica, nowMs)
      if (replica.slowness === 1) hasFast = true
    }
    return hasFast
  }

  /** Infinite: it is better to wait. `worthwhile` is no number while a fast one has room. */
  #costOf({ load, slowness, standing }: ReplicaState, worthwhile: number): number {
    const cost = load + APART * standing
    if (slowness === 1) return cost
    if (!Number.isNaN(worthwhile)) {
      return slowness <= worthwhile ? cost * slowness : Number.POSITIVE_INFINITY
    }
    // A guess at the permits says nothing of who is full: the load itself must count.
    return this.#pool.areLearned ? Number.POSITIVE_INFINITY : cost * slowness * CAUTION
  }

  /** 1 for all that are fast enough. */
  #slownessOf(replica: ReplicaState, nowMs: number): number {
    if (!this.#avoidsSlow) return 1
    const slowness = this.#pool.slownessOf(replica, nowMs)
    return slowness <= this.#pool.alikeFactor ? 1 : slowness
  }
}

function leastSlow({ count, list }: Candidates): ReplicaState | undefined {
  let least: ReplicaState | undefined
  for (let at = 0; at < count; at += 1) {
    const replica = list[at]
    if (least === undefined || (replica !== undefined && replica.slowness < least.slowness)) {
      least = replica
    }
  }
  return least
}
