import type { Balance } from '../../shared/model.ts'
import { homeOf, namedBy } from './choice/affinity.ts'
import { Candidates } from './choice/candidates.ts'
import { type ChoiceParts, choiceOf } from './choice/policy.ts'
import { GOOD, type ReplicaState } from './replica-state.ts'
import type { ReplicaWatch } from './replica-watch.ts'
import type { Waiting } from './waiting.ts'

const QUEUE: Balance = { policy: 'queue', sticky: 'none' }

/** To which replica one request goes now, if to any. */
export class Placement {
  readonly #parts: ChoiceParts
  readonly #watch: ReplicaWatch
  readonly #among = new Candidates()
  #balance = QUEUE
  #needsPermit = true
  #choice
  #turn = 0

  constructor(parts: ChoiceParts, watch: ReplicaWatch) {
    this.#parts = parts
    this.#watch = watch
    this.#choice = choiceOf(QUEUE.policy, parts)
  }

  /** Whether a replica without a free permit is waited for. */
  get needsPermit(): boolean {
    return this.#needsPermit
  }

  use(balance: Balance = QUEUE): void {
    if (balance.policy !== this.#balance.policy) {
      this.#choice = choiceOf(balance.policy, this.#parts)
    }
    this.#balance = balance
    this.#needsPermit = balance.policy === 'queue'
  }

  /** The replica that this one belongs to, where the service is sticky. */
  homeOf(item: Waiting, nowMs: number): ReplicaState | undefined {
    if (this.#balance.sticky === 'none' || item.affinity === undefined) return undefined
    this.#gather(item, this.needsPermit, nowMs)
    const { routed } = this.#parts.pool
    if (this.#balance.sticky === 'cookie') return namedBy(item, routed, this.#among)
    return homeOf(item, routed, this.#among)
  }

  /** After `homeOf`: whether it could take one more. */
  hasRoom(replica: ReplicaState, nowMs: number): boolean {
    return this.#among.hasRoom(replica, nowMs)
  }

  /** Its own replica where that is free, else the best. */
  place(item: Waiting, nowMs: number, waiting: number): ReplicaState | undefined {
    const home = this.homeOf(item, nowMs)
    if (home !== undefined && this.hasRoom(home, nowMs)) return home
    if (home === undefined) this.#gather(item, this.needsPermit, nowMs)
    return this.#choice.pick(this.#among, nowMs, waiting)
  }

  /** Another one that is free and fast. */
  placeSecond(item: Waiting, nowMs: number): ReplicaState | undefined {
    this.#gather(item, true, nowMs)
    const second = this.#choice.pick(this.#among, nowMs, 0)
    if (second === undefined) return undefined
    // Where the permits are a guess, nobody is free for sure: only a stall is worth the risk.
    if (!this.#parts.pool.areLearned && !this.#isStuck(item, nowMs)) return undefined
    const { pool } = this.#parts
    return pool.slownessOf(second, nowMs) <= pool.alikeFactor ? second : undefined
  }

  /** Another one that is fast and would not notice one more: whoever has least, then rested longest. */
  placeBeside(item: Waiting, nowMs: number): ReplicaState | undefined {
    this.#gather(item, true, nowMs)
    const { pool } = this.#parts
    let best: ReplicaState | undefined
    for (let at = 0; at < this.#among.count; at += 1) {
      const replica = this.#among.list[at]
      if (replica === undefined || replica.standing !== GOOD) continue
      if (!this.#watch.crowding.hasRoom(replica.inFlight)) continue
      if (pool.slownessOf(replica, nowMs) > pool.alikeFactor) continue
      if (best === undefined || restsMore(replica, best)) best = replica
    }
    return best
  }

  /** Whether one that it was given to has fallen silent. */
  #isStuck(item: Waiting, nowMs: number): boolean {
    const { silenceMs } = this.#watch
    for (const replica of this.#parts.pool.routed) {
      if (item.hasTried(replica.id) && replica.hasStalled(silenceMs, nowMs)) return true
    }
    return false
  }

  take(replica: ReplicaState, nowMs: number): ReplicaState {
    const { trouble } = replica
    if (trouble.isEjected && trouble.trialAtMs === undefined) trouble.trialAtMs = nowMs
    this.#turn += 1
    replica.taken(this.#turn, nowMs)
    return replica
  }

  #gather(item: Waiting, needsPermit: boolean, nowMs: number): void {
    this.#among.needsPermit = needsPermit
    this.#among.stallMs = this.#watch.stallMs
    this.#among.gather(this.#parts.pool.routed, item, nowMs)
  }
}

function restsMore(one: ReplicaState, other: ReplicaState): boolean {
  return one.inFlight < other.inFlight || (one.inFlight === other.inFlight && one.turn < other.turn)
}
