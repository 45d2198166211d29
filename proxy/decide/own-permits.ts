import type { ReplicaId, RouteFragment } from '../../shared/model.ts'
import { PermitLearner } from '../../shared/permit-learner.ts'
import type { ServiceMeasurement } from '../../shared/protocol.ts'

/** One stretch of this proxy's own meter. */
export interface OwnStretch {
  readonly durationMs: number
  readonly services: readonly ServiceMeasurement[]
}

/** What a proxy without a master lets its replicas have in flight: all permits are its own. */
export class OwnPermits {
  readonly #learner = new PermitLearner()

  /** Learns from one stretch; answers the permits of every replica in the table. */
  learn(
    stretch: OwnStretch,
    fragments: readonly RouteFragment[],
    nowMs: number,
  ): ReadonlyMap<ReplicaId, number> {
    this.#learner.keepOnly(new Set(fragments.map(({ service }) => service)))
    this.#learner.add({ reporter: '', ...stretch }, nowMs)
    const permits = new Map<ReplicaId, number>()
    for (const { service, endpoints, concurrency } of fragments) {
      for (const { replica } of endpoints) {
        permits.set(replica, concurrency ?? this.#learner.permits(service, replica))
      }
    }
    return permits
  }

  /** Whether a queue of this service is demand, not a limit that is too low. */
  isLearned({ service, concurrency }: RouteFragment): boolean {
    return concurrency !== undefined || this.#learner.isLearned(service)
  }
}
