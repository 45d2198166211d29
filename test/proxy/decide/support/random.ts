/** Mulberry32: the same numbers for the same seed, everywhere. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mix = Math.imul(state ^ (state >>> 15), state | 1)
    mix ^= mix + Math.imul(mix ^ (mix >>> 7), mix | 61)
    return ((mix ^ (mix >>> 14)) >>> 0) / 2 ** 32
  }
}

/** A time between two arrivals that know nothing of each other. */
export function exponential(random: () => number, mean: number): number {
  return -Math.log(1 - random()) * mean
}

export interface Lognormal {
  readonly mean: number
  readonly sigma: number
}

/** A mean of 30 ms with a 99th percentile of 80 ms: what many web services look like. */
export const WEB: Lognormal = { mean: 30, sigma: 0.474 }

export function lognormal(random: () => number, { mean, sigma }: Lognormal): number {
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return mean * Math.exp(sigma * normal - (sigma * sigma) / 2)
}
