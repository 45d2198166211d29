import type { ReplicaId } from '../../shared/model.ts'
import type { ReplicaState } from './replica-state.ts'

/** A request that wants a replica, as the queue sees it; the engine's own object carries it. */
export interface Waiting {
  readonly arrivedAtMs: number
  /** What ties it to a replica (a cookie's value, a client's address), where the service is sticky. */
  readonly affinity: string | undefined
  hasTried(replica: ReplicaId): boolean
  /** Called by whoever drives the queue: it is its turn, at this replica. */
  dispatched(replica: ReplicaState, nowMs: number): void
  /** Called by whoever drives the queue: it has waited for as long as it may. */
  expired(): void
  /** Its neighbours in the queue: the queue's own, nobody else's. */
  before: Waiting | undefined
  behind: Waiting | undefined
}
