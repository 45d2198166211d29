import type { Endpoint, ReplicaId } from '../../shared/model.ts'
import { fingerprintOf } from './fingerprint.ts'
import { Speed } from './speed.ts'
import { Trouble } from './trouble.ts'
import { WaitingList } from './waiting-list.ts'

/** How much a replica may be relied on; the lower, the sooner it is asked. */
export const GOOD = 0
export const SUSPECT = 1
export const STALLED = 2
export const EJECTED = 3

/** What a proxy knows of one replica of a service. The queue alone changes it. */
export class ReplicaState {
  readonly id: ReplicaId
  /** The same for the same replica in every proxy. */
  readonly fingerprint: number
  endpoint: Endpoint
  /** Its share of the requests relative to others. */
  weight: number
  /** Whether it is in the table now; one that left only finishes what it has. */
  routed = true
  /** How many requests it may have at once. */
  permits: number
  /** Requests it has, those that hold a permit. */
  inFlight = 0
  /** Connections that are meant to last: they hold no permit. */
  lasting = 0
  /** Requests it has given nothing of an answer to. */
  silent = 0
  /** When it last answered anything, or got its first request after it had none. */
  progressAtMs = 0
  /** When the last request was given to it, counted in requests: the lowest is idle longest. */
  turn = 0
  /** As judged for the choice that is under way. */
  standing = GOOD
  slowness = 1
  /** How far the smooth round robin is in its debt. */
  credit = 0
  /** Until when it is new. */
  newUntilMs = Number.NEGATIVE_INFINITY
  /** Quick answers since it is new: each lets one more request at once. */
  quickAnswers = 0
  readonly speed = new Speed()
  readonly trouble = new Trouble()
  /** Those who wait for this one and no other. */
  readonly line = new WaitingList()

  constructor(endpoint: Endpoint, permits: number) {
    this.id = endpoint.replica
    this.fingerprint = fingerprintOf(endpoint.replica)
    this.endpoint = endpoint
    this.weight = endpoint.weight ?? 1
    this.permits = permits
  }

  /** What it would have to do, were it given one more, next to others of its kind. */
  get load(): number {
    return (this.inFlight + 1) / this.weight
  }

  get isIdle(): boolean {
    return this.inFlight + this.lasting === 0
  }

  moveTo(endpoint: Endpoint): void {
    this.endpoint = endpoint
    this.weight = endpoint.weight ?? 1
  }

  taken(turn: number, nowMs: number): void {
    this.turn = turn
    if (this.silent === 0) this.progressAtMs = nowMs
    this.inFlight += 1
    this.silent += 1
  }

  /** The head of an answer came. */
  spoke(nowMs: number): void {
    this.silent = Math.max(0, this.silent - 1)
    this.progressAtMs = nowMs
  }

  /** It has requests, and gave nothing for longer. */
  hasStalled(stallMs: number, nowMs: number): boolean {
    return this.silent > 0 && nowMs - this.progressAtMs > stallMs
  }

  /** One request is over; `silently`: without anything of an answer. */
  freed(silently: boolean): void {
    this.inFlight = Math.max(0, this.inFlight - 1)
    if (silently) this.silent -= 1
    this.silent = Math.max(0, Math.min(this.silent, this.inFlight))
  }
}
