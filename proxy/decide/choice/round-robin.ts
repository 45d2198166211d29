import type { ReplicaState } from '../replica-state.ts'
import type { Candidates } from './candidates.ts'
import type { Choice } from './choice.ts'

/**
 * Each in its turn, by weight, spread evenly (nginx's smooth weighted round robin). With equal
 * weights it is the plain one.
 */
export class RoundRobin implements Choice {
  pick({ list, count }: Candidates): ReplicaState | undefined {
    let best: ReplicaState | undefined
    let total = 0
    for (let at = 0; at < count; at += 1) {
      const replica = list[at]
      if (replica === undefined) continue
      replica.credit += replica.weight
      total += replica.weight
      if (best === undefined || isBefore(replica, best)) best = replica
    }
    if (best !== undefined) best.credit -= total
    return best
  }
}

function isBefore(a: ReplicaState, b: ReplicaState): boolean {
  return a.credit > b.credit || (a.credit === b.credit && a.turn < b.turn)
}
