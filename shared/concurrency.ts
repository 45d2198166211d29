/** Learns from sums how many requests a replica can have in flight to good purpose. */
import { type Level, LevelWindow, levelOf, type Round } from './load-level.ts'
import type { ReplicaId } from './model.ts'
import { ReplicaSpeeds } from './replica-speeds.ts'

/** What a replica may have in flight of a service that nothing is known of. */
export const PERMITS_START = 16
const PERMITS_MIN = 2
const PERMITS_MAX = 4_096

/** Latency is flat while it is no more than this above that at low concurrency, and noise. */
const FLAT = 1.1
/** Beyond what is put to use, so many permits keep a replica busy between two requests. */
const SPARE_SHARE = 1.2
const SPARE = 0.5
/** More than this above the target is too much. */
const EXCESS = 1.25
/** With a part of the permits at least this much of the throughput is the same. */
const SAME_THROUGHPUT = 0.9
/** More in flight is worth it while throughput grows at least half as much. */
const GAIN_MIN = 0.5
/** Latency this much above the usual, at the same permits, is worth another look at once. */
const CHANGED = 1.3
/** What ended may differ this much from what Little's law says, and by noise. */
const UNSTEADY = 0.1
/** Without a trial permits follow the need, but not every ripple of it. */
const RIPPLE = 0.1
const STRIDE_MAX = 2
const STRIDE_MIN = 1.25
const PROBE = 1.5
const DESCENT_MAX = 8
const PROBE_WAIT_MIN_MS = 10_000
const PROBE_WAIT_MAX_MS = 60_000

/** Answers that a judgement rests on; a slow service is judged by fewer, later. */
const ENDED_MIN = 30
const ENDED_MIN_OF_TRIAL = 100
const ENDED_FEW = 8
const PATIENCE_MS = 10_000
const PATIENCE_OF_TRIAL_MS = 5_000
const WINDOW_MAX_MS = 60_000
const SETTLE_MIN_MS = 1_000
const SETTLE_MAX_MS = 30_000
/** Rounds that began this much before everything was settled count. */
const SETTLE_SLACK_MS = 250
/** What was known of a latency weighs as much as so many new answers. */
const BASE_ANSWERS = 100
/** Bursts may need so many times what is wanted on average, but nobody needs more. */
const BURST = 8
/** A latency from this much below what is useful is that of little concurrency. */
const KNOWN_BELOW = 1.3

interface Base {
  readonly inFlight: number
  readonly ms: number
  /** Whether requests neither piled up nor ran off meanwhile. */
  readonly steady: boolean
}

/** Permits were changed to see what it does to throughput. */
interface Trial {
  readonly kind: 'up' | 'down'
  readonly from: number
  readonly before: Level
}

/**
 * The permits of one service's replicas. They double while latency stays flat and they are used;
 * when it rises, a trial upwards shows whether more is gained, and one downwards that nothing is
 * lost: by Little's law throughput is what is in flight over the latency.
 */
export class Concurrency {
  readonly #speeds = new ReplicaSpeeds()
  #limit = PERMITS_START
  /** Latency at the lowest concurrency that was seen. */
  #base: Base | undefined
  #trial: Trial | undefined
  #window = new LevelWindow()
  #stride = STRIDE_MAX
  #settledAtMs = Number.NEGATIVE_INFINITY
  #probeAtMs = Number.NEGATIVE_INFINITY
  #probeWaitMs = PROBE_WAIT_MIN_MS
  #learned = false
  /** Latency while the permits were as they are now, and used up. */
  #usualMs: number | undefined

  /** Whether the permits are known to be all that a replica makes use of. */
  get learned(): boolean {
    return this.#learned
  }

  permits(replica: ReplicaId): number {
    return Math.max(1, Math.round(this.#limit * this.#speeds.of(replica)))
  }

  observe(round: Round, nowMs: number): void {
    this.#speeds.see(round.replicas, nowMs)
    const level = levelOf(round, this.#limit, this.#speeds)
    if (level === undefined) return
    if (round.fromMs < this.#settledAtMs - SETTLE_SLACK_MS) {
      this.#hurry(level, nowMs)
      return
    }
    this.#window.add(level, round.durationMs)
    const { durationMs } = this.#window
    if (this.#isEnough()) this.#judge(this.#window.level(), nowMs)
    else if (durationMs < WINDOW_MAX_MS) return
    this.#window = new LevelWindow()
  }

  #isEnough(): boolean {
    const { ended, durationMs } = this.#window
    if (ended >= (this.#trial === undefined ? ENDED_MIN : ENDED_MIN_OF_TRIAL)) return true
    const patienceMs = this.#trial === undefined ? PATIENCE_MS : PATIENCE_OF_TRIAL_MS
    return ended >= ENDED_FEW && durationMs >= patienceMs
  }

  /** Growth need not settle: what is flat on the way up only gets more. */
  #hurry(level: Level, nowMs: number): void {
    const growing = this.#trial?.kind === 'up' && level.full && level.ended >= ENDED_MIN
    if (growing && this.#isFlat(level)) this.#gained(level, nowMs)
  }

  #judge(level: Level, nowMs: number): void {
    const trial = this.#trial
    this.#trial = undefined
    this.#learnBase(level)
    if (!level.full) this.#relax(level, trial, nowMs)
    else if (trial?.kind === 'down') this.#afterDescent(level, trial, nowMs)
    else if (this.#isFlat(level) && trial !== undefined) this.#gained(level, nowMs)
    else if (this.#isFlat(level)) this.#grow(level, nowMs)
    else if (trial === undefined) this.#probe(level, nowMs)
    else this.#afterAscent(level, trial, nowMs)
  }

  #learnBase(level: Level): void {
    const { inFlight, ms, ended, balance } = level
    const steady = Math.abs(Math.log(balance)) <= UNSTEADY + noise(level)
    // Below one in flight there is no concurrency left to speak of.
    const seen = { inFlight: Math.max(1, inFlight), ms, steady }
    const base = this.#base
    if (base === undefined || seen.inFlight < base.inFlight * SAME_THROUGHPUT) this.#base = seen
    else if (seen.inFlight <= base.inFlight * EXCESS || ms < base.ms) {
      this.#base = { ...base, ms: blended(base.ms, { ms, ended }) }
    }
  }

  #rise({ ms }: Level): number {
    return this.#base === undefined ? 1 : ms / this.#base.ms
  }

  #isFlat(level: Level): boolean {
    return this.#rise(level) <= FLAT + noise(level)
  }

  /** A step up was good for something: what was learned is too low. */
  #gained(level: Level, nowMs: number): void {
    this.#learned = false
    this.#grow(level, nowMs)
  }

  #grow(level: Level, nowMs: number): void {
    const cap = BURST * level.wanted + PERMITS_START
    const limit = Math.min(cap, Math.max(this.#limit + 1, this.#limit * this.#stride))
    this.#stride = Math.min(STRIDE_MAX, this.#stride * STRIDE_MIN)
    if (limit > this.#limit) this.#try('up', limit, level, nowMs)
  }

  /** Nothing is held back: what is far above the need may go, but never below what is in use. */
  #relax(level: Level, trial: Trial | undefined, nowMs: number): void {
    if (this.#isFlat(level) || level.inFlight < 1) return
    const isNoGain = trial !== undefined && throughput(level) < throughput(trial.before) * FLAT
    if (trial?.kind === 'up' && isNoGain) {
      // As many as there are came in, for nothing: fewer may do as well.
      if (level.inFlight > trial.before.inFlight * EXCESS) {
        this.#descend(level, { from: trial.from, best: level }, nowMs)
        return
      }
      this.#limit = trial.from
    }
    const inUse = level.inFlight * EXCESS
    const target = Math.max(inUse, this.#target(level))
    if (this.#limit <= target * (1 + RIPPLE) + SPARE) return
    this.#limit = clamped(target)
    this.#stride = STRIDE_MIN
    this.#usualMs = undefined
  }

  /** Latency rose: only a trial tells whether because of too much at once, or of something else. */
  #probe(level: Level, nowMs: number): void {
    const usualMs = this.#usualMs ?? level.ms
    const isNews = level.ms > usualMs * CHANGED
    this.#usualMs = blended(usualMs, level)
    if (nowMs < this.#probeAtMs && !isNews) return
    this.#try('up', Math.max(this.#limit + 1, this.#limit * PROBE), level, nowMs)
  }

  #afterAscent(level: Level, trial: Trial, nowMs: number): void {
    const { before, from } = trial
    const more = Math.log(level.inFlight / before.inFlight)
    const gain = more <= 0 ? 0 : Math.log(throughput(level) / throughput(before)) / more
    if (gain >= GAIN_MIN) {
      // It was not the concurrency that made it slow: this is the latency it has now.
      const ms = Math.max(before.ms, this.#base?.ms ?? 0)
      this.#base = { inFlight: before.inFlight, ms, steady: true }
      this.#probeWaitMs = PROBE_WAIT_MIN_MS
      this.#gained(level, nowMs)
      return
    }
    this.#descend(level, { from, best: level }, nowMs)
  }

  #afterDescent(level: Level, { before, from }: Trial, nowMs: number): void {
    const lost =
      throughput(level) < throughput(before) * (SAME_THROUGHPUT - noise(level) * SAME_THROUGHPUT)
    if (lost) {
      this.#base = { inFlight: level.inFlight, ms: level.ms, steady: true }
      this.#settle(Math.min(from, wanted(throughput(before) * level.ms)), nowMs)
      return
    }
    const best = throughput(level) > throughput(before) ? level : before
    this.#descend(level, { from: this.#limit, best }, nowMs)
  }

  /** Throughput does not grow any more: down to where it begins to fall. */
  #descend(
    level: Level,
    { from, best }: { readonly from: number; readonly best: Level },
    nowMs: number,
  ): void {
    const target = this.#target(level)
    const { inFlight = 0, steady = true } = this.#base ?? {}
    const isKnown = steady && inFlight <= Math.max(PERMITS_MIN, this.#useful(level) / KNOWN_BELOW)
    const next = isKnown ? Math.max(target, from / DESCENT_MAX) : Math.max(PERMITS_MIN, from / 2)
    if (from > next * (isKnown ? EXCESS : 1)) this.#try('down', next, best, nowMs)
    else this.#settle(Math.max(from, isKnown ? target : 0), nowMs)
  }

  #settle(limit: number, nowMs: number): void {
    this.#limit = clamped(limit)
    this.#learned = true
    this.#stride = STRIDE_MIN
    this.#probeAtMs = nowMs + this.#probeWaitMs
    this.#probeWaitMs = Math.min(PROBE_WAIT_MAX_MS, this.#probeWaitMs * 2)
    this.#settledAtMs = nowMs + SETTLE_MIN_MS
    this.#usualMs = undefined
  }

  #try(kind: Trial['kind'], limit: number, before: Level, nowMs: number): void {
    this.#trial = { kind, from: this.#limit, before }
    this.#limit = clamped(limit)
    const settleMs = Math.min(SETTLE_MAX_MS, Math.max(SETTLE_MIN_MS, 2 * before.ms))
    this.#settledAtMs = nowMs + settleMs
    this.#window = new LevelWindow()
    this.#usualMs = undefined
  }

  /** How many of those in flight are worked on: the others only wait inside the replica. */
  #useful(level: Level): number {
    return level.inFlight / Math.max(1, this.#rise(level))
  }

  #target(level: Level): number {
    return wanted(this.#useful(level))
  }
}

function wanted(useful: number): number {
  return clamped(useful * SPARE_SHARE + SPARE)
}

/** A mean that follows new answers, the more of them the sooner. */
function blended(beforeMs: number, { ms, ended }: Pick<Level, 'ms' | 'ended'>): number {
  return beforeMs + ((ms - beforeMs) * ended) / (ended + BASE_ANSWERS)
}

function throughput({ inFlight, ms }: Level): number {
  return inFlight / ms
}

/** By how much a mean over so many answers is off, as a share. */
function noise({ ended }: Level): number {
  return 1 / Math.sqrt(Math.max(1, ended))
}

function clamped(limit: number): number {
  return Math.min(PERMITS_MAX, Math.max(PERMITS_MIN, limit))
}
