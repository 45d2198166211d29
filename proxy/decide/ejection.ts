import type { ReplicaId } from '../../shared/model.ts'

export interface EjectionLimits {
  readonly avoidMinMs: number
  readonly avoidMaxMs: number
}

interface Trouble {
  readonly failures: number
  readonly untilMs: number
  /** One request was let through to see whether it is well again. */
  readonly onTrial: boolean
}

/** Which replicas are avoided, because connections to them failed again and again. */
export class Ejection {
  readonly #limits: EjectionLimits
  readonly #troubles = new Map<ReplicaId, Trouble>()

  constructor(limits: EjectionLimits) {
    this.#limits = limits
  }

  /** A connection was refused, timed out, or broke before it answered. */
  failed(replica: ReplicaId, nowMs: number): void {
    const before = this.#troubles.get(replica)
    // Requests that were under way when it fell out tell nothing new.
    if (before !== undefined && nowMs < before.untilMs && !before.onTrial) return
    const failures = (before?.failures ?? 0) + 1
    const { avoidMinMs, avoidMaxMs } = this.#limits
    const avoidMs = Math.min(avoidMaxMs, avoidMinMs * 2 ** (failures - 1))
    this.#troubles.set(replica, { failures, untilMs: nowMs + avoidMs, onTrial: false })
  }

  answered(replica: ReplicaId): void {
    this.#troubles.delete(replica)
  }

  isAvoided(replica: ReplicaId, nowMs: number): boolean {
    return nowMs < (this.#troubles.get(replica)?.untilMs ?? 0)
  }

  /** After its time out one request tries the replica, while the others go on avoiding it. */
  picked(replica: ReplicaId, nowMs: number): void {
    const trouble = this.#troubles.get(replica)
    if (trouble === undefined || nowMs < trouble.untilMs) return
    const untilMs = nowMs + this.#limits.avoidMinMs
    this.#troubles.set(replica, { failures: trouble.failures, untilMs, onTrial: true })
  }

  get avoided(): readonly ReplicaId[] {
    return [...this.#troubles.keys()]
  }

  keepOnly(replicas: ReadonlySet<ReplicaId>): void {
    for (const replica of this.#troubles.keys()) {
      if (!replicas.has(replica)) this.#troubles.delete(replica)
    }
  }
}
