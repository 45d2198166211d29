import type { ReplicaState } from '../replica-state.ts'
import type { Candidates } from './candidates.ts'
import type { Choice } from './choice.ts'

/** The fewest connections relative to the weight, those that last included. */
export class LeastConnections implements Choice {
  pick({ list, count }: Candidates): ReplicaState | undefined {
    let best = list[0]
    for (let at = 1; at < count; at += 1) {
      const other = list[at]
      if (other !== undefined && best !== undefined && isBefore(other, best)) best = other
    }
    return count === 0 ? undefined : best
  }
}

function isBefore(a: ReplicaState, b: ReplicaState): boolean {
  const difference = connectionsOf(a) - connectionsOf(b)
  // Ties go to who was idle longest: by name, one would get all of a light load.
  return difference < 0 || (difference === 0 && a.turn < b.turn)
}

function connectionsOf({ inFlight, lasting, weight }: ReplicaState): number {
  return (inFlight + lasting + 1) / weight
}
