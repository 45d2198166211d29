import type { ReplicaId } from '../../shared/model.ts'

/** This proxy's share of what each replica can do at once; the last share holds without a master. */
export class Permits {
  #shares: ReadonlyMap<ReplicaId, number> = new Map()

  get shares(): ReadonlyMap<ReplicaId, number> {
    return this.#shares
  }

  put(shares: Readonly<Record<ReplicaId, number>>): void {
    this.#shares = new Map(Object.entries(shares))
  }

  /** A replica whose share nobody has told yet is not held back. */
  hasFree(replica: ReplicaId, inFlight: number): boolean {
    return inFlight < (this.#shares.get(replica) ?? Number.POSITIVE_INFINITY)
  }
}
