import { EJECTED, GOOD, type ReplicaState, STALLED, SUSPECT } from '../replica-state.ts'
import { allowed, isWarm } from '../slow-start.ts'
import type { Waiting } from '../waiting.ts'

/** Those that one request may go to now. The list is used again for the next one. */
export class Candidates {
  /** Those that may be asked and have room: what a choice is made of. */
  readonly list: ReplicaState[] = []
  count = 0
  /** Whether one that is full must be waited for. */
  needsPermit = true
  /** A replica that has requests and is silent for longer has stalled. */
  stallMs = Number.POSITIVE_INFINITY
  #someWarm = false
  #worst = EJECTED

  /** Excluding up to half of the replicas is caution; excluding more is giving up the service. */
  gather(routed: readonly ReplicaState[], item: Waiting, nowMs: number): void {
    let avoided = 0
    let best = EJECTED + 1
    this.#someWarm = false
    for (const replica of routed) {
      const standing = standingOf(replica, this.stallMs, nowMs)
      replica.standing = standing
      if (standing !== GOOD) avoided += 1
      else if (!this.#someWarm && isWarm(replica, nowMs)) this.#someWarm = true
      if (standing < best && !item.hasTried(replica.id)) best = standing
    }
    this.#worst = 2 * avoided > routed.length ? Math.max(best, STALLED) : best
    this.#fill(routed, item, nowMs)
  }

  /** After `gather`: whether this one may be asked at all, now or once it has room. */
  isEligible(replica: ReplicaState, item: Waiting): boolean {
    return replica.standing <= this.#worst && !item.hasTried(replica.id)
  }

  hasRoom(replica: ReplicaState, nowMs: number): boolean {
    if (this.needsPermit && replica.inFlight >= replica.permits) return false
    return !this.#someWarm || replica.inFlight < allowed(replica, nowMs)
  }

  #fill(routed: readonly ReplicaState[], item: Waiting, nowMs: number): void {
    this.count = 0
    for (const replica of routed) {
      if (this.hasRoom(replica, nowMs) && this.isEligible(replica, item)) this.#add(replica)
    }
    // Where nobody waits, those that warm up take what the others cannot.
    if (this.count > 0 || this.needsPermit) return
    for (const replica of routed) if (this.isEligible(replica, item)) this.#add(replica)
  }

  #add(replica: ReplicaState): void {
    this.list[this.count] = replica
    this.count += 1
  }
}

function standingOf(replica: ReplicaState, stallMs: number, nowMs: number): number {
  const { trouble } = replica
  if (trouble.isEjected) return trouble.mayBeTried(nowMs) ? GOOD : EJECTED
  if (replica.hasStalled(stallMs, nowMs)) return STALLED
  return replica.endpoint.suspect ? SUSPECT : GOOD
}
