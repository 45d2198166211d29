import type { Endpoint, ReplicaId } from '../../shared/model.ts'
import type { Usual } from './outlier-ejection.ts'
import { ReplicaState } from './replica-state.ts'

/** How many answers may pass before it is told anew what is fast, in small pools. */
const FRESH_MAX = 16
/** One that takes no longer than this many times what the fast ones take is as good as they. */
const ALIKE_FACTOR = 1.5
/** How many times longer than the middle one a replica must take to be called slow. */
const SLOW_FACTOR = 3
/** An answer is long that takes this many times what the middle replica takes. */
const LONG_FACTOR = 1.5
/** How far a mean of so few answers strays by chance, in their coefficients of variation. */
const ALIKE_STRAY = 0.7
const SLOW_STRAY = 1.4
/** Those in the middle take this many times what they take in calm: there is too much to do. */
const BUSY_FACTOR = 1.5
/** How much the time that is taken in calm may grow whenever it is told anew. */
const CALM_GROWTH = 1.001
/** The share of the last answer in the variation. */
const VARIATION_SHARE = 0.001

/** The replicas of a service: those in the table, and those that only finish what they have. */
export class ReplicaPool implements Usual {
  /** Replicas are alike that differ by no more than this. */
  unnoticedMs = 0
  readonly states = new Map<ReplicaId, ReplicaState>()
  routed: ReplicaState[] = []
  /** What the fast ones take: the lower quartile of the mean upstream times. */
  fastMs = 0
  middleMs = 0
  /** How much answers of one replica vary: their coefficient of variation. */
  variation = 0
  /** Up to how many times what the fast ones take is as good as fast. */
  alikeFactor = ALIKE_FACTOR
  /** From how many times what the middle one takes on a replica is slow. */
  slowFactor = SLOW_FACTOR
  #calmMs = 0
  watchesSpeed = false
  /** Whether anybody asks for the worst answers of late. */
  watchesPeaks = false
  /** How many requests those in the table may have at once. */
  permits = 0
  /** Whether those permits are what the replicas can do, and no first guess. */
  areLearned = false
  #areSharesLearned = false
  #variance = 0
  #varied = 0
  #shares: ReadonlyMap<ReplicaId, number> = new Map()
  #permitsFirst: number
  #areFixed = false
  #speeds = new Float64Array(0)
  #fresh = 0

  constructor(permitsFirst: number) {
    this.#permitsFirst = permitsFirst
  }

  /** Takes over who is in the table now; answers those that were not there before. */
  update(endpoints: readonly Endpoint[]): readonly ReplicaState[] {
    const before = new Set(this.routed)
    for (const replica of this.routed) replica.routed = false
    this.routed = endpoints.map((endpoint) => this.#stateOf(endpoint))
    this.#speeds = new Float64Array(this.routed.length)
    for (const replica of before) this.forgetIfGone(replica)
    this.#countPermits()
    this.#tellSpeeds()
    return this.routed.filter((replica) => !before.has(replica))
  }

  /** What a replica may have at once before anybody has told its share. */
  begin(permits: number, areFixed: boolean): void {
    this.#permitsFirst = permits
    this.#areFixed = areFixed
    this.#countPermits()
  }

  put(shares: ReadonlyMap<ReplicaId, number>, areLearned: boolean): void {
    this.#shares = shares
    this.#areSharesLearned = areLearned
    this.#countPermits()
  }

  forgetIfGone(replica: ReplicaState): void {
    if (!replica.routed && replica.isIdle) this.states.delete(replica.id)
  }

  /** Whether all have too much to do: those that are out would be missed. */
  get isBusy(): boolean {
    return this.middleMs > BUSY_FACTOR * this.#calmMs
  }

  /** A replica answered within this time. */
  learn({ speed }: ReplicaState, upstreamMs: number, nowMs: number): void {
    if (speed.isKnown) this.#vary(upstreamMs / Math.max(0.001, speed.meanMs) - 1)
    speed.learn(upstreamMs, nowMs, this.middleMs > 0 ? LONG_FACTOR * this.middleMs : undefined)
    this.#fresh += 1
    if (this.#fresh >= Math.max(FRESH_MAX, this.routed.length) || this.fastMs === 0)
      this.#tellSpeeds()
  }

  /** How many times longer than the fast ones it takes, as far as anybody knows. */
  slownessOf({ speed }: ReplicaState, nowMs: number): number {
    if (this.fastMs === 0) return 1
    const expectedMs = speed.expectedMs(this.fastMs, nowMs)
    // What the objective does not notice may be mere noise, and is no reason to avoid anybody.
    return expectedMs - this.fastMs <= this.unnoticedMs ? 1 : expectedMs / this.fastMs
  }

  #vary(deviation: number): void {
    this.#varied += 1
    const share = Math.max(VARIATION_SHARE, 1 / this.#varied)
    this.#variance += share * (deviation * deviation - this.#variance)
  }

  #stateOf(endpoint: Endpoint): ReplicaState {
    const known = this.states.get(endpoint.replica)
    if (known === undefined) {
      const state = new ReplicaState(endpoint, this.#permitsFirst)
      this.states.set(endpoint.replica, state)
      return state
    }
    known.moveTo(endpoint)
    known.routed = true
    return known
  }

  #countPermits(): void {
    this.permits = 0
    this.areLearned = true
    for (const replica of this.routed) {
      const share = this.#shares.get(replica.id)
      const isLearned = share !== undefined && this.#areSharesLearned
      if (!isLearned && !this.#areFixed) this.areLearned = false
      replica.permits = Math.max(1, Math.floor(share ?? this.#permitsFirst))
      this.permits += replica.permits
    }
  }

  #tellSpeeds(): void {
    this.#fresh = 0
    let count = 0
    for (const { speed } of this.routed) {
      if (!speed.isKnown) continue
      this.#speeds[count] = speed.meanMs
      count += 1
    }
    const known = this.#speeds.subarray(0, count).sort()
    // The lower of two middles: of two replicas the faster one is the measure.
    this.middleMs = known[(count - 1) >> 1] ?? 0
    this.fastMs = known[(count - 1) >> 2] ?? 0
    // The more the answers vary, the further their means are apart by mere chance.
    this.variation = Math.sqrt(this.#variance)
    this.alikeFactor = Math.max(ALIKE_FACTOR, 1 + ALIKE_STRAY * this.variation)
    this.slowFactor = Math.max(SLOW_FACTOR, 1 + SLOW_STRAY * this.variation)
    const calmMs = CALM_GROWTH * this.#calmMs
    this.#calmMs = calmMs === 0 ? this.middleMs : Math.min(calmMs, this.middleMs)
  }
}
