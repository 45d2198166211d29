import { Histogram } from '../shared/histogram.ts'
import type { ServiceId } from '../shared/model.ts'

/** Counts since the start, per service: what `/metrics` shows. */
export interface ServiceTotals {
  readonly name: string
  readonly latency: Histogram
  /** Answers by the class of their status: `2xx`. */
  readonly answers: Map<string, number>
  retries: number
  aborted: number
  lasting: number
}

/** Totals of requests that belong to no service are kept under this name. */
export const UNROUTED = ''

export class Totals {
  readonly #services = new Map<ServiceId, ServiceTotals>()

  get services(): Iterable<readonly [ServiceId, ServiceTotals]> {
    return this.#services
  }

  of(service: ServiceId, name: string): ServiceTotals {
    const known = this.#services.get(service)
    if (known !== undefined) return known
    const totals: ServiceTotals = {
      name,
      latency: new Histogram(),
      answers: new Map(),
      retries: 0,
      aborted: 0,
      lasting: 0,
    }
    this.#services.set(service, totals)
    return totals
  }

  answered(service: ServiceId, name: string, status: number): void {
    const { answers } = this.of(service, name)
    const statusClass = `${Math.floor(status / 100)}xx`
    answers.set(statusClass, (answers.get(statusClass) ?? 0) + 1)
  }

  /** Services that left the table take their totals along. */
  keepOnly(services: ReadonlySet<ServiceId>): void {
    for (const service of this.#services.keys()) {
      if (service !== UNROUTED && !services.has(service)) this.#services.delete(service)
    }
  }
}
