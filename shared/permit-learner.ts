/** Permits of every service, learned from what proxies measured: the master's and a lone proxy's. */
import { Concurrency, PERMITS_START } from './concurrency.ts'
import type { ReplicaId, ServiceId } from './model.ts'
import type { ServiceMeasurement } from './protocol.ts'
import { RoundGatherer } from './round-gatherer.ts'

/** What one proxy measured in one stretch. */
export interface MeasuredStretch {
  /** One life of one proxy. */
  readonly reporter: string
  readonly durationMs: number
  readonly services: readonly ServiceMeasurement[]
}

interface Learning {
  readonly rounds: RoundGatherer
  readonly concurrency: Concurrency
}

export class PermitLearner {
  readonly #services = new Map<ServiceId, Learning>()

  add({ reporter, durationMs, services }: MeasuredStretch, nowMs: number): void {
    const told = new Map(services.map((measured) => [measured.service, measured]))
    for (const service of told.keys()) {
      if (this.#services.has(service)) continue
      const learning = { rounds: new RoundGatherer(), concurrency: new Concurrency() }
      this.#services.set(service, learning)
    }
    for (const [service, { rounds, concurrency }] of this.#services) {
      const measured = told.get(service)
      if (measured === undefined && !rounds.has(reporter)) continue
      rounds.add(reporter, { measured, durationMs, nowMs })
      const round = rounds.take(nowMs)
      if (round !== undefined) concurrency.observe(round, nowMs)
    }
  }

  /** What this replica may have in flight, over all proxies. */
  permits(service: ServiceId, replica: ReplicaId): number {
    return this.#services.get(service)?.concurrency.permits(replica) ?? PERMITS_START
  }

  /** Whether the permits are all that the replicas make use of: only then a queue is demand. */
  isLearned(service: ServiceId): boolean {
    return this.#services.get(service)?.concurrency.learned ?? false
  }

  /** Services that no longer exist are forgotten. */
  keepOnly(services: { has(service: ServiceId): boolean }): void {
    for (const id of this.#services.keys()) if (!services.has(id)) this.#services.delete(id)
  }
}
