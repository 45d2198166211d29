/** Everything this master has seen since it started, as decisions want to see it. */
import type { Service } from '../shared/model.ts'
import type { DemandWindows } from './decide/demand.ts'
import type { Demand, NodeObservation, Observed, Published } from './decide/observed.ts'
import type { NodeWatch } from './node-watch.ts'
import type { ProxyWatch } from './proxy-watch.ts'
import type { RouteTable } from './route-table.ts'

export interface ObservationParts {
  readonly sinceMs: number
  readonly nowMs: () => number
  readonly nodes: NodeWatch
  readonly proxies: ProxyWatch
  readonly demand: DemandWindows
  readonly routes: RouteTable
}

export class Observations implements Observed {
  readonly sinceMs: number
  readonly #parts: ObservationParts

  constructor(parts: ObservationParts) {
    this.#parts = parts
    this.sinceMs = parts.sinceMs
  }

  get nodes(): ReadonlyMap<string, NodeObservation> {
    return this.#parts.nodes.nodes
  }

  get proxies(): Observed['proxies'] {
    return this.#parts.proxies.proxies
  }

  get routes(): Published {
    return this.#parts.routes.published
  }

  get demandComplete(): boolean {
    return this.#parts.proxies.isComplete(this.#parts.nowMs())
  }

  demandOf(service: Service): Demand {
    return this.#parts.demand.demandOf(service, this.#parts.nowMs())
  }
}
