import type { ReplicaId, RouteRevision } from '../../shared/model.ts'
import type { ServiceMeasurement } from '../../shared/protocol.ts'
import { mergedMeasurements } from './merged-measurements.ts'

/** How it is with a process that no longer reports for itself. */
export interface LeaverState {
  /** The routing table that it has put in force. */
  readonly routes: RouteRevision
  readonly inFlight: Readonly<Record<ReplicaId, number>>
}

/**
 * The processes of this proxy that finish what they have: one report tells of them all, so that no
 * replica is stopped that any of them still uses.
 */
export class Leavers {
  readonly #states = new Map<string, LeaverState>()
  #measured: readonly ServiceMeasurement[] = []

  /** What is told again takes the place of what was told before; a stale word errs on the safe side. */
  hear(id: string, state: LeaverState): void {
    this.#states.set(id, state)
  }

  /** What one of them measured, to be told once. */
  count(measured: readonly ServiceMeasurement[]): void {
    this.#measured = mergedMeasurements(this.#measured, measured)
  }

  gone(id: string): void {
    this.#states.delete(id)
  }

  /** Nobody will say any more how it is with them. */
  clear(): void {
    this.#states.clear()
  }

  get isEmpty(): boolean {
    return this.#states.size === 0
  }

  /** What was measured since the last call. */
  take(): readonly ServiceMeasurement[] {
    const measured = this.#measured
    this.#measured = []
    return measured
  }

  /** A table is in force when the slowest of all has it. */
  routes(own: RouteRevision): RouteRevision {
    let oldest = own
    for (const { routes } of this.#states.values()) if (isOlder(routes, oldest)) oldest = routes
    return oldest
  }

  inFlight(own: Iterable<readonly [ReplicaId, number]>): Record<ReplicaId, number> {
    const sum = new Map(own)
    for (const { inFlight } of this.#states.values()) {
      for (const [replica, count] of Object.entries(inFlight)) {
        sum.set(replica, (sum.get(replica) ?? 0) + count)
      }
    }
    return Object.fromEntries(sum)
  }
}

function isOlder(a: RouteRevision, b: RouteRevision): boolean {
  return a.epoch === b.epoch ? a.seq < b.seq : a.epoch < b.epoch
}
