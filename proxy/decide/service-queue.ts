import type { ReplicaId, RouteFragment } from '../../shared/model.ts'
import { HedgeGain } from './hedge-gain.ts'
import type { VisitEnd } from './outlier-ejection.ts'
import { Placement } from './placement.ts'
import type { QueueLimits } from './queue-limits.ts'
import { ReplicaPool } from './replica-pool.ts'
import type { ReplicaState } from './replica-state.ts'
import { ReplicaWatch } from './replica-watch.ts'
import { RetryBudget } from './retry-budget.ts'
import type { Waiting } from './waiting.ts'
import type { WaitingList } from './waiting-list.ts'
import { WaitingRoom } from './waiting-room.ts'

export type { VisitEnd, VisitEndKind } from './outlier-ejection.ts'
export type { QueueLimits, QueueRules } from './queue-limits.ts'

/** The replica it was given to; or it waits; or too many do; or nobody is there and none comes. */
export type Placed = ReplicaState | 'waits' | 'full' | 'absent'

const HEDGES_SAVED_MAX = 10
/** A second replica is asked when the first takes longer than this: rarer, but no less useful. */
const HEDGE_P99S = 1.5
/** Replicas whose times differ by less of the objective's are equally good. */
const UNNOTICED_SHARE = 0.1
/** A second answer takes less than so many medians, mostly. */
const HOPE_MEDIANS = 2
const HEDGE_MEDIANS = 2
/** While permits are a guess: a little longer than it takes to see that a replica has stalled. */
const HEDGE_SILENCES = 1.25
const HEDGE_VARIATION_MAX = 1.5
/** How much of the time of its objective a request waits for the replica that it belongs to. */
const HOME_SHARE = 0.5
/** Retries that find no replica do not hold up more than so many looks. */
const RETRIES_SEEN_MAX = 8

/** Which request of a service goes when to which replica. */
export class ServiceQueue {
  /** Who may go now, and where to, after `next` said yes. */
  item: Waiting | undefined = undefined
  replica: ReplicaState | undefined = undefined
  readonly #limits: QueueLimits
  readonly #pool: ReplicaPool
  readonly #room: WaitingRoom
  readonly #watch: ReplicaWatch
  readonly #placement: Placement
  readonly #hedges: RetryBudget
  readonly #gain = new HedgeGain()
  #targetMs = Number.POSITIVE_INFINITY
  #comes = false
  /** Since when there has been a replica: nobody is too late for having waited for the first. */
  #servedSinceMs = Number.NEGATIVE_INFINITY

  constructor(limits: QueueLimits, random: () => number) {
    this.#limits = limits
    this.#pool = new ReplicaPool(limits.permitsStart)
    this.#room = new WaitingRoom(this.#pool)
    this.#watch = new ReplicaWatch(limits, this.#pool)
    const parts = { pool: this.#pool, avoidsSlow: limits.rules.slowAware, random }
    this.#placement = new Placement(parts, this.#watch)
    const percent = limits.hedgePercent
    this.#hedges = new RetryBudget({ percent, reserve: percent > 0 ? HEDGES_SAVED_MAX : 0 })
  }

  /** Those in the table, and those that left but still have something. */
  get replicas(): ReadonlyMap<ReplicaId, ReplicaState> {
    return this.#pool.states
  }

  /** Nothing is with any replica. */
  get isIdle(): boolean {
    for (const replica of this.replicas.values()) if (!replica.isIdle) return false
    return true
  }

  get waiting(): number {
    return this.#room.count
  }

  get oldestAtMs(): number | undefined {
    return this.#room.oldest?.arrivedAtMs
  }

  /** Whether the permits are no first guess: a queue behind a guess is no demand. */
  get learned(): boolean {
    return this.#pool.areLearned
  }

  /** After how long a second replica may be asked; infinite while nobody knows what is long. */
  get hedgeAfterMs(): number {
    const { areKnown, medianMs, p99Ms } = this.#watch.quantiles
    if (!this.#mayHedge || !areKnown) return Number.POSITIVE_INFINITY
    const longMs = Math.max(HEDGE_P99S * p99Ms, HEDGE_MEDIANS * medianMs)
    return this.learned ? longMs : Math.max(longMs, HEDGE_SILENCES * this.#watch.silenceMs)
  }

  /** After how long one that would soon miss the objective may be asked of somebody with room. */
  get hedgeBesideAfterMs(): number {
    const { areKnown, medianMs, p95Ms } = this.#watch.quantiles
    const isInVain = p95Ms + medianMs > this.#targetMs
    if (!this.#mayHedge || !areKnown || isInVain) return Number.POSITIVE_INFINITY
    return Math.max(p95Ms, this.#targetMs - HOPE_MEDIANS * medianMs)
  }

  update(fragment: RouteFragment, nowMs: number): void {
    const { rules, permitsStart } = this.#limits
    const { balance, concurrency, endpoints } = fragment
    const before = this.#pool.routed
    if (before.length === 0 && endpoints.length > 0) this.#servedSinceMs = nowMs
    this.#pool.begin(concurrency ?? permitsStart, concurrency !== undefined)
    const added = this.#pool.update(endpoints)
    for (const replica of before) if (!replica.routed) this.#room.dissolve(replica.line)
    this.#placement.use(balance)
    const avoidsSlow = this.#placement.needsPermit && rules.slowAware
    this.#pool.watchesPeaks = balance?.policy === 'peak-ewma'
    this.#pool.watchesSpeed = rules.latencyEjection && !avoidsSlow
    this.#watch.settle(added, nowMs)
    this.#targetMs = fragment.objective.latencyTargetMs
    this.#pool.unnoticedMs = UNNOTICED_SHARE * this.#targetMs
    this.#comes = fragment.comes === true
  }

  /** What each replica may have at once; `areLearned`: from what it did, not for a start. */
  put(shares: ReadonlyMap<ReplicaId, number>, areLearned = false): void {
    this.#pool.put(shares, areLearned)
  }

  arrive(item: Waiting, nowMs: number): Placed {
    this.#hedges.arrived()
    if (this.#pool.routed.length === 0) return this.#comes ? this.#wait(item) : 'absent'
    const home = this.#placement.homeOf(item, nowMs)
    if (home !== undefined) {
      const isFree = home.line.first === undefined && this.#placement.hasRoom(home, nowMs)
      return isFree ? this.#placement.take(home, nowMs) : this.#wait(item, home.line)
    }
    if (this.#placement.needsPermit && !this.#room.isEmpty) return this.#wait(item)
    const replica = this.#placement.place(item, nowMs, this.waiting)
    return replica === undefined ? this.#wait(item) : this.#placement.take(replica, nowMs)
  }

  /** Once more, elsewhere: before all who were not yet asked of anybody. */
  again(item: Waiting, nowMs: number): Placed {
    if (!this.hasOther(item)) return 'absent'
    const replica = this.#placement.place(item, nowMs, this.waiting)
    if (replica === undefined) return this.#wait(item, this.#room.retries)
    return this.#placement.take(replica, nowMs)
  }

  /** Whether there is a replica that it was not asked of, or one comes. */
  hasOther(item: Waiting): boolean {
    const { routed } = this.#pool
    for (const { id } of routed) if (!item.hasTried(id)) return true
    return routed.length === 0 && this.#comes
  }

  /** It waits no more; nothing happens where it did not. */
  cancel(item: Waiting): void {
    this.#room.remove(item)
  }

  /** The head of an answer came. */
  answered(replica: ReplicaState, nowMs: number): void {
    this.#watch.answered(replica, nowMs)
  }

  /** A request to a replica is over: its permit is free, and it tells something of the replica. */
  end(replica: ReplicaState, end: VisitEnd, nowMs: number): void {
    this.#watch.ended(replica, end, nowMs)
    this.#pool.forgetIfGone(replica)
  }

  /** It stays open: it holds no permit any more, but its replica still has it. */
  becameLasting(replica: ReplicaState): void {
    replica.freed(false)
    replica.lasting += 1
  }

  endLasting(replica: ReplicaState): void {
    replica.lasting = Math.max(0, replica.lasting - 1)
    this.#pool.forgetIfGone(replica)
  }

  /**
   * Whether somebody who waits can go: `item` to `replica`, which is thereby taken. To be asked
   * until it says no, whenever a request arrived and waits, one ended, permits or the table changed.
   */
  next(nowMs: number): boolean {
    if (this.waiting === 0 || this.#pool.routed.length === 0) return false
    this.#room.part(nowMs, this.#hopeMaxMs)
    return (
      this.#nextRetry(nowMs) ||
      this.#nextOfLines(nowMs, this.#room.next?.arrivedAtMs) ||
      this.#nextOfRoom(nowMs) ||
      this.#nextOfLines(nowMs, undefined)
    )
  }

  /** Takes out one that waited for too long, or waits in vain. */
  expired(nowMs: number): Waiting | undefined {
    const { oldest, retries } = this.#room
    if (oldest === undefined) return undefined
    const sinceMs = Math.max(oldest.arrivedAtMs, this.#servedSinceMs)
    const isVain = retries.first !== undefined && !this.hasOther(retries.first)
    const expired = nowMs - sinceMs >= this.#waitMaxMs ? oldest : isVain ? retries.first : undefined
    if (expired !== undefined) this.#room.remove(expired)
    return expired
  }

  /** A second replica for one that takes too long; taken. Never where others wait for it. */
  hedge(item: Waiting, nowMs: number): ReplicaState | undefined {
    if (this.waiting > 0 || !this.#mayHedge) return undefined
    const second = this.#placement.placeSecond(item, nowMs)
    if (second === undefined || !this.#hedges.take()) return undefined
    return this.#placement.take(second, nowMs)
  }

  /** The same for one that takes long, of a replica that would not notice. */
  hedgeBeside(item: Waiting, nowMs: number): ReplicaState | undefined {
    if (this.waiting > 0 || !this.#mayHedge) return undefined
    const second = this.#placement.placeBeside(item, nowMs)
    if (second === undefined || !this.#gain.isWorthIt() || !this.#hedges.take()) return undefined
    return this.#placement.take(second, nowMs)
  }

  /** One that was asked beside the first answered, or the first one did. */
  besideAnswered(cameFirst: boolean): void {
    this.#gain.learn(cameFirst)
  }

  /** Where answers vary much a long one is long by itself, and twice the work if asked twice. */
  get #mayHedge(): boolean {
    const { routed, variation } = this.#pool
    return this.#limits.rules.hedging && routed.length > 1 && variation <= HEDGE_VARIATION_MAX
  }

  get #waitMaxMs(): number {
    if (this.#pool.routed.length > 0) return this.#limits.waitMaxMs
    return this.#comes ? this.#limits.waitEmptyMaxMs : 0
  }

  /** Until what age a request can still meet the objective. */
  get #hopeMaxMs(): number {
    if (!this.#limits.rules.objectiveOrder) return Number.POSITIVE_INFINITY
    const { areKnown, medianMs } = this.#watch.quantiles
    return this.#targetMs - (areKnown ? medianMs : 0)
  }

  #wait(item: Waiting, list?: WaitingList): Placed {
    if (this.waiting >= this.#limits.waitingMax) return 'full'
    this.#room.wait(item, list)
    return 'waits'
  }

  #nextRetry(nowMs: number): boolean {
    let item = this.#room.retries.first
    for (let seen = 0; item !== undefined && seen < RETRIES_SEEN_MAX; seen += 1) {
      if (this.#go(item, this.#placement.place(item, nowMs, this.waiting), nowMs)) return true
      item = item.behind
    }
    return false
  }

  #nextOfRoom(nowMs: number): boolean {
    const item = this.#room.next
    if (item === undefined) return false
    return this.#go(item, this.#placement.place(item, nowMs, this.waiting - 1), nowMs)
  }

  /** The first of the lines of single replicas, of those that are older than somebody else. */
  #nextOfLines(nowMs: number, olderThanMs = Number.POSITIVE_INFINITY): boolean {
    for (const { line } of this.#pool.routed) {
      const item = line.first
      if (item === undefined || item.arrivedAtMs >= olderThanMs) continue
      if (this.#go(item, this.#placeAtHome(item, nowMs), nowMs)) return true
    }
    return false
  }

  /** It waits for its own replica, but not for ever. */
  #placeAtHome(item: Waiting, nowMs: number): ReplicaState | undefined {
    if (nowMs - item.arrivedAtMs >= HOME_SHARE * this.#targetMs) {
      return this.#placement.place(item, nowMs, this.waiting)
    }
    const home = this.#placement.homeOf(item, nowMs)
    return home !== undefined && this.#placement.hasRoom(home, nowMs) ? home : undefined
  }

  #go(item: Waiting, replica: ReplicaState | undefined, nowMs: number): boolean {
    if (replica === undefined) return false
    this.#room.dispatch(item)
    this.item = item
    this.replica = this.#placement.take(replica, nowMs)
    return true
  }
}
