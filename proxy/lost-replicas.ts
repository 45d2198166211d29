import type { ReplicaId } from '../shared/model.ts'

/** Tells requests that wait for a replica that its machine is given up. */
export class LostReplicas {
  readonly #waiting = new Map<ReplicaId, Set<() => void>>()

  /** Calls back once it is lost, until the answer is called. */
  watch(replica: ReplicaId, hear: () => void): () => void {
    const waiting = this.#waiting.get(replica) ?? new Set()
    this.#waiting.set(replica, waiting.add(hear))
    return () => {
      waiting.delete(hear)
      if (waiting.size === 0 && this.#waiting.get(replica) === waiting) {
        this.#waiting.delete(replica)
      }
    }
  }

  tell(replicas: readonly ReplicaId[]): void {
    for (const replica of replicas) {
      for (const hear of this.#waiting.get(replica) ?? []) hear()
    }
  }
}
