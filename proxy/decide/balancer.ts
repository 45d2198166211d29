import type { Endpoint, ReplicaId } from '../../shared/model.ts'
import type { Ejection } from './ejection.ts'
import type { Permits } from './permits.ts'

/** Better standings first; within one, the least in flight, then who waited longest for its turn. */
const STANDINGS = { free: 0, full: 1, suspect: 2, avoided: 3 } as const

interface Candidate {
  readonly endpoint: Endpoint
  readonly standing: number
  readonly inFlight: number
  readonly turn: number
}

/** Chooses the replica for each request, and knows what is in flight to which. */
export class Balancer {
  readonly #ejection: Ejection
  readonly #permits: Permits
  readonly #inFlight = new Map<ReplicaId, number>()
  readonly #turns = new Map<ReplicaId, number>()
  #turn = 0

  constructor(ejection: Ejection, permits: Permits) {
    this.#ejection = ejection
    this.#permits = permits
  }

  /** Replicas in flight, also those that left the table; never one with zero. */
  get inFlight(): ReadonlyMap<ReplicaId, number> {
    return this.#inFlight
  }

  pick(
    endpoints: readonly Endpoint[],
    tried: ReadonlySet<ReplicaId>,
    nowMs: number,
  ): Endpoint | undefined {
    let best: Candidate | undefined
    for (const endpoint of endpoints) {
      if (tried.has(endpoint.replica)) continue
      const candidate = this.#candidate(endpoint, nowMs)
      if (best === undefined || isBefore(candidate, best)) best = candidate
    }
    if (best === undefined) return undefined
    this.#turn += 1
    this.#turns.set(best.endpoint.replica, this.#turn)
    this.#ejection.picked(best.endpoint.replica, nowMs)
    return best.endpoint
  }

  started(replica: ReplicaId): void {
    this.#inFlight.set(replica, (this.#inFlight.get(replica) ?? 0) + 1)
  }

  /** Answers what is left in flight to that replica. */
  ended(replica: ReplicaId): number {
    const left = (this.#inFlight.get(replica) ?? 0) - 1
    if (left > 0) this.#inFlight.set(replica, left)
    else this.#inFlight.delete(replica)
    return Math.max(0, left)
  }

  /** Forgets the turns of replicas that left; what is in flight to them stays known. */
  keepOnly(replicas: ReadonlySet<ReplicaId>): void {
    for (const replica of this.#turns.keys()) {
      if (!replicas.has(replica)) this.#turns.delete(replica)
    }
    this.#ejection.keepOnly(replicas)
  }

  #candidate(endpoint: Endpoint, nowMs: number): Candidate {
    const inFlight = this.#inFlight.get(endpoint.replica) ?? 0
    const standing = this.#standing(endpoint, inFlight, nowMs)
    return { endpoint, standing, inFlight, turn: this.#turns.get(endpoint.replica) ?? 0 }
  }

  #standing({ replica, suspect }: Endpoint, inFlight: number, nowMs: number): number {
    if (this.#ejection.isAvoided(replica, nowMs)) return STANDINGS.avoided
    if (suspect) return STANDINGS.suspect
    return this.#permits.hasFree(replica, inFlight) ? STANDINGS.free : STANDINGS.full
  }
}

function isBefore(a: Candidate, b: Candidate): boolean {
  if (a.standing !== b.standing) return a.standing < b.standing
  if (a.inFlight !== b.inFlight) return a.inFlight < b.inFlight
  return a.turn < b.turn
}
