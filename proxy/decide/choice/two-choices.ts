import type { ReplicaState } from '../replica-state.ts'
import type { Candidates } from './candidates.ts'
import type { Choice } from './choice.ts'

export type Cost = (replica: ReplicaState, nowMs: number) => number

/** Two at random, and the cheaper of them: nobody herds to one that looks best for a moment. */
export class TwoChoices implements Choice {
  readonly #cost: Cost
  readonly #random: () => number

  constructor(cost: Cost, random: () => number) {
    this.#cost = cost
    this.#random = random
  }

  pick({ list, count }: Candidates, nowMs: number): ReplicaState | undefined {
    if (count < 2) return count === 0 ? undefined : list[0]
    const one = Math.floor(this.#random() * count)
    const next = Math.floor(this.#random() * (count - 1))
    const first = list[one]
    const second = list[next < one ? next : next + 1]
    if (first === undefined || second === undefined) return first ?? second
    return this.#cost(second, nowMs) < this.#cost(first, nowMs) ? second : first
  }
}

/** Requests in flight, relative to the weight. */
export function loadOf(replica: ReplicaState): number {
  return replica.load
}
