import { EJECTED, GOOD, type ReplicaState, STALLED, SUSPECT } from '../replica-state.ts'
import { allowed, isWarm } from '../slow-start.ts'
import type { Waiting } from '../waiting.ts'

/** Those that one request may go to now. The lists are used again for the next one. */
export class Candidates {
  /** Those that may be asked, whether they have room or not. */
  readonly eligible: ReplicaState[] = []
  eligibleCount = 0
  /** Those of them that have room: what a choice is made of. */
  readonly list: ReplicaState[] = []
  count = 0
  /** Whether one that is full must be waited for. */
  needsPermit = true
  /** A replica that has requests and is silent for longer has stalled. */
  stallMs = Number.POSITIVE_INFINITY
  #someWarm = false

  /** Excluding up to half of the replicas is caution; excluding more is giving up the service. */
  gather(routed: readonly ReplicaState[], item: Waiting, nowMs: number): void {
    this.eligibleCount = 0
    this.count = 0
    let avoided = 0
    let best = EJECTED + 1
    this.#someWarm = false
    for (const replica of routed) {
      const standing = standingOf(replica, this.stallMs, nowMs)
      replica.standing = standing
      if (standing !== GOOD) avoided += 1
      else if (isWarm(replica, nowMs)) this.#someWarm = true
      if (standing < best && !item.hasTried(replica.id)) best = standing
    }
    const worst = 2 * avoided > routed.length ? Math.max(best, STALLED) : best
    for (const replica of routed) {
      if (replica.standing > worst || item.hasTried(replica.id)) continue
      this.eligible[this.eligibleCount] = replica
      this.eligibleCount += 1
    }
    this.#keepThoseWithRoom(nowMs)
  }

  hasRoom(replica: ReplicaState, nowMs: number): boolean {
    if (this.needsPermit && replica.inFlight >= replica.permits) return false
    return !this.#someWarm || replica.inFlight < allowed(replica, nowMs)
  }

  #keepThoseWithRoom(nowMs: number): void {
    for (let at = 0; at < this.eligibleCount; at += 1) {
      const replica = this.eligible[at]
      if (replica !== undefined && this.hasRoom(replica, nowMs)) this.#add(replica)
    }
    if (this.count > 0 || this.needsPermit) return
    for (let at = 0; at < this.eligibleCount; at += 1) {
      const replica = this.eligible[at]
      if (replica !== undefined) this.#add(replica)
    }
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
