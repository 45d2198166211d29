import { Histogram } from '../shared/histogram.ts'
import type { ServiceId } from '../shared/model.ts'

/** Statuses are counted by their first digit. */
const CLASSES = 6

/** Counts of one service since the start: what `/metrics` shows. */
export class ServiceTotals {
  readonly name: string
  readonly latency = new Histogram()
  retries = 0
  hedges = 0
  aborted = 0
  lasting = 0
  readonly #routes = new Map<string, Histogram>()
  readonly #answers = new Array<number>(CLASSES).fill(0)

  constructor(name: string) {
    this.name = name
  }

  /** Times by the rule that claimed the request. */
  get routes(): ReadonlyMap<string, Histogram> {
    return this.#routes
  }

  took(route: string, latencyMs: number): void {
    const known = this.#routes.get(route)
    const latency = known ?? new Histogram()
    if (known === undefined) this.#routes.set(route, latency)
    latency.add(latencyMs)
  }

  /** Rules that were taken back take their times along. */
  keepOnlyRoutes(routes: ReadonlySet<string>): void {
    for (const route of this.#routes.keys()) if (!routes.has(route)) this.#routes.delete(route)
  }

  answered(status: number): void {
    const first = Math.floor(status / 100)
    this.#answers[first] = (this.#answers[first] ?? 0) + 1
  }

  /** Answers by the class of their status, `2xx`; none that never came. */
  get answers(): readonly (readonly [string, number])[] {
    return this.#answers.flatMap((count, first) =>
      count === 0 ? [] : [[`${first}xx`, count] as const],
    )
  }
}

/** Totals of requests that belong to no service are kept under this name. */
export const UNROUTED = ''

/** Counts of all services since the start. */
export class Totals {
  readonly #unrouted = new ServiceTotals(UNROUTED)
  readonly #services = new Map<ServiceId, ServiceTotals>([[UNROUTED, this.#unrouted]])

  get services(): Iterable<readonly [ServiceId, ServiceTotals]> {
    return this.#services
  }

  of(service: ServiceId, name: string): ServiceTotals {
    const known = this.#services.get(service)
    if (known !== undefined) return known
    const totals = new ServiceTotals(name)
    this.#services.set(service, totals)
    return totals
  }

  /** The proxy itself answered what belongs to no service. */
  unrouted(status: number): void {
    this.#unrouted.answered(status)
  }

  /** Services that left the table take their totals along. */
  keepOnly(services: ReadonlySet<ServiceId>): void {
    for (const service of this.#services.keys()) {
      if (service !== UNROUTED && !services.has(service)) this.#services.delete(service)
    }
  }
}
