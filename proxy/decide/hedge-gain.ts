/** The share of the last one in what is known. */
const SHARE = 0.01
/** Below this a second answer is rarely worth the work. */
const WORTH = 0.06
/** Every so many are asked all the same: what is true today need not be so tomorrow. */
const PROBE_EVERY = 16

/** How often a second replica answers first. What takes long by itself takes as long elsewhere. */
export class HedgeGain {
  #share = 0.25
  #passedOver = 0

  learn(cameFirst: boolean): void {
    this.#share += SHARE * ((cameFirst ? 1 : 0) - this.#share)
  }

  /** Whether to ask a second one for this request. */
  isWorthIt(): boolean {
    if (this.#share >= WORTH) return true
    this.#passedOver += 1
    if (this.#passedOver < PROBE_EVERY) return false
    this.#passedOver = 0
    return true
  }
}
