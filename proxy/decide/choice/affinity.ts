import { fingerprintOf, mixed } from '../fingerprint.ts'
import type { ReplicaState } from '../replica-state.ts'
import type { Waiting } from '../waiting.ts'
import type { Candidates } from './candidates.ts'

const TWO_TO_32 = 2 ** 32

/**
 * The replica that a cookie names. Whoever's own is not there goes where there is most room: by
 * the name of one that left, all of its clients would go to the same.
 */
export function namedBy(
  item: Waiting,
  routed: readonly ReplicaState[],
  among: Candidates,
): ReplicaState | undefined {
  for (const replica of routed) {
    if (replica.id === item.affinity && among.isEligible(replica, item)) return replica
  }
  return undefined
}

/**
 * The replica that a client belongs to: the highest random weight. When one comes or goes, only
 * the clients that are its own move.
 */
export function homeOf(
  item: Waiting,
  routed: readonly ReplicaState[],
  among: Candidates,
): ReplicaState | undefined {
  const client = fingerprintOf(item.affinity ?? '')
  let home: ReplicaState | undefined
  let best = -1
  for (const replica of routed) {
    if (!among.isEligible(replica, item)) continue
    const score = scoreOf(replica, client)
    if (score > best) {
      best = score
      home = replica
    }
  }
  return home
}

/** Each wins in proportion to its weight. */
function scoreOf({ fingerprint, weight }: ReplicaState, client: number): number {
  const share = (mixed(client, fingerprint) + 0.5) / TWO_TO_32
  return weight / -Math.log(share)
}
