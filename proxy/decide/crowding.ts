/** So many requests at once are told apart. */
const CROWD_MAX = 64
/** Fewer answers say nothing yet. */
const SAMPLES_MIN = 100
/** The share of the last answer in the mean, and how many times the mean it counts at most. */
const SHARE = 0.01
const SURPRISE_MAX = 3
/** Answers that take no more than this times what they take among few wait for nobody. */
const UNNOTICED = 1.15
/** Few are at least this much fewer: among nearly as many everybody waits nearly as long. */
const FEWER = 1.3

/**
 * How answers take longer the more a replica of the service has at once. What it tells, no limit
 * has to be reached for: where two take as long as one, a second disturbs nobody.
 */
export class Crowding {
  readonly #meanMs = new Float64Array(CROWD_MAX + 1)
  readonly #samples = new Uint32Array(CROWD_MAX + 1)

  /** A request took this long at a replica that then had so many, this one included. */
  learn(crowd: number, upstreamMs: number): void {
    if (crowd < 1 || crowd > CROWD_MAX) return
    const samples = (this.#samples[crowd] ?? 0) + 1
    this.#samples[crowd] = samples
    const meanMs = this.#meanMs[crowd] ?? 0
    const counted = samples > SAMPLES_MIN ? Math.min(upstreamMs, SURPRISE_MAX * meanMs) : upstreamMs
    this.#meanMs[crowd] = meanMs + Math.max(SHARE, 1 / samples) * (counted - meanMs)
  }

  /** Whether a replica that has so many answers one more as if there were few. */
  hasRoom(inFlight: number): boolean {
    if (inFlight === 0) return true
    const crowd = inFlight + 1
    if (!this.#isKnown(crowd)) return false
    const few = this.#fewest()
    if (few * FEWER > crowd) return false
    return (this.#meanMs[crowd] ?? 0) <= UNNOTICED * (this.#meanMs[few] ?? 0)
  }

  #fewest(): number {
    let crowd = 1
    while (crowd < CROWD_MAX && !this.#isKnown(crowd)) crowd += 1
    return crowd
  }

  #isKnown(crowd: number): boolean {
    return (this.#samples[crowd] ?? 0) >= SAMPLES_MIN
  }
}
