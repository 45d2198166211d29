/** What a service's replicas had in flight, and what that did to their latency. */
import { lowerMedian, meanMs, type ReplicaRound, type ReplicaSpeeds } from './replica-speeds.ts'

/** What happened to one service within a second or so, over all proxies. */
export interface Round {
  /** When the earliest of it happened: proxies do not tell at the same moment. */
  readonly fromMs: number
  readonly durationMs: number
  /** Requests that waited for a replica, on average. */
  readonly waiting: number
  readonly replicas: readonly ReplicaRound[]
}

/** One point of the curve of latency over concurrency, of a replica of usual speed. */
export interface Level {
  readonly inFlight: number
  readonly ms: number
  /** Answers that this rests on. */
  readonly ended: number
  /** Whether the permits were used up, so that more of them would have been taken. */
  readonly full: boolean
  /** Requests per replica on average, waiting ones included. */
  readonly wanted: number
  /**
   * How long those that ended took, over what was in flight meanwhile: 1 (Little's law) unless
   * requests pile up or run off, when latency and what was in flight do not belong together.
   */
  readonly balance: number
}

/** What took no time at all is not divided by. */
const MS_MIN = 0.001
/** How much of its permits a replica that could take no more had in use on average. */
const USED_UP = 0.9
/** With so many waiting for each one in flight, most requests met permits that were used up. */
const WAITING_MIN = 0.3
/** A replica with more failures than this among its answers teaches nothing. */
const FAILED_MAX = 0.1
/** A replica this much slower than the others has a trouble of its own. */
const OUTLIER = 3

/** The level of one round; undefined when nothing was answered that teaches anything. */
export function levelOf(round: Round, limit: number, speeds: ReplicaSpeeds): Level | undefined {
  const teaching = round.replicas.filter(isTeaching)
  if (teaching.length === 0) return undefined
  const full = teaching.filter(
    ({ replica, inFlight }) => inFlight >= USED_UP * Math.max(1, limit * speeds.of(replica)),
  )
  const mostAreFull = full.length * 2 >= teaching.length
  const inFlightAll = sum(teaching, (one) => one.inFlight)
  const waits = round.waiting >= inFlightAll * WAITING_MIN
  const well = withoutOutliers(mostAreFull ? full : teaching)
  const ended = sum(well, (one) => one.ended)
  const inFlight = sum(well, (one) => one.inFlight / speeds.of(one.replica)) / well.length
  const areaMs = sum(well, (one) => one.inFlight) * round.durationMs
  return {
    // Bursts fill the permits for moments only: what waited met them full, whatever the average.
    inFlight: waits && !mostAreFull ? Math.max(inFlight, limit) : inFlight,
    ms: Math.max(MS_MIN, sum(well, (one) => one.upstreamMs * speeds.of(one.replica)) / ended),
    ended,
    full: mostAreFull || waits,
    wanted: (inFlightAll + round.waiting) / teaching.length,
    balance: sum(well, (one) => one.upstreamMs) / Math.max(MS_MIN, areaMs),
  }
}

/** Levels that follow each other, as one. */
export class LevelWindow {
  #durationMs = 0
  #ended = 0
  #upstreamMs = 0
  #inFlightMs = 0
  #wantedMs = 0
  #fullMs = 0
  #balanceMs = 0

  get durationMs(): number {
    return this.#durationMs
  }

  get ended(): number {
    return this.#ended
  }

  add(level: Level, durationMs: number): void {
    this.#durationMs += durationMs
    this.#ended += level.ended
    this.#upstreamMs += level.ms * level.ended
    this.#inFlightMs += level.inFlight * durationMs
    this.#wantedMs += level.wanted * durationMs
    if (level.full) this.#fullMs += durationMs
    this.#balanceMs += level.balance * durationMs
  }

  level(): Level {
    return {
      inFlight: this.#inFlightMs / this.#durationMs,
      ms: this.#upstreamMs / this.#ended,
      ended: this.#ended,
      full: this.#fullMs * 2 >= this.#durationMs,
      wanted: this.#wantedMs / this.#durationMs,
      balance: this.#balanceMs / this.#durationMs,
    }
  }
}

/** Failures are often fast: they would make an overloaded replica look capable. */
function isTeaching({ ended, failed }: ReplicaRound): boolean {
  return ended > 0 && failed <= ended * FAILED_MAX
}

function withoutOutliers(rounds: readonly ReplicaRound[]): readonly ReplicaRound[] {
  const maxMs = OUTLIER * lowerMedian(rounds.map(meanMs))
  return rounds.filter((round) => meanMs(round) <= maxMs)
}

function sum(rounds: readonly ReplicaRound[], of: (round: ReplicaRound) => number): number {
  return rounds.reduce((total, round) => total + of(round), 0)
}
