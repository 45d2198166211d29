import type { NodeId, ServiceId, ServiceSpec } from '../../shared/model.ts'
import { type DesiredView, templateOf } from './desired.ts'
import type { Observed } from './observed.ts'
import type { Slot } from './scheduler.ts'
import type { NodeNow } from './world.ts'

interface Tally {
  cpuReserved: number
  memoryReservedMb: number
  replicas: number
  /** CPU that placed replicas will use before a heartbeat shows it, in percent of the node. */
  cpuComing: number
  readonly ofService: Map<ServiceId, number>
  readonly hostPorts: Set<number>
}

/** The room on every node, kept up to date while one plan places replica after replica. */
export class Slots {
  readonly #desired: DesiredView
  readonly #observed: Observed
  readonly #nodes: Map<NodeId, NodeNow>
  readonly #tallies = new Map<NodeId, Tally>()

  constructor(desired: DesiredView, observed: Observed, nodes: ReadonlyMap<NodeId, NodeNow>) {
    this.#desired = desired
    this.#observed = observed
    this.#nodes = new Map(nodes)
  }

  for(service: ServiceId): readonly Slot[] {
    return [...this.#nodes.values()].map((node) => {
      const tally = this.#tallyOf(node.id)
      const { load, trouble } = this.#observed.nodes.get(node.id) ?? {}
      return {
        node,
        why: node.why,
        ...(trouble === undefined ? {} : { trouble }),
        cpuPercent: (load?.cpuPercent ?? 0) + tally.cpuComing,
        memoryPercent: load?.memoryPercent ?? 0,
        cpuReserved: tally.cpuReserved,
        memoryReservedMb: tally.memoryReservedMb,
        replicas: tally.replicas,
        ofService: tally.ofService.get(service) ?? 0,
        hostPorts: tally.hostPorts,
      }
    })
  }

  /** The plan itself moves the node to another pool. */
  put(node: NodeNow): void {
    this.#nodes.set(node.id, node)
  }

  drop(node: NodeId): void {
    this.#nodes.delete(node)
  }

  take(node: NodeId, service: ServiceId, spec: ServiceSpec): void {
    const tally = this.#tallyOf(node)
    count(tally, service, spec, 1)
    const cpus = this.#desired.nodes.get(node)?.capacity.cpus ?? 1
    tally.cpuComing += (spec.resources.cpuReserved / cpus) * 100
  }

  free(node: NodeId, service: ServiceId, spec: ServiceSpec): void {
    count(this.#tallyOf(node), service, spec, -1)
  }

  #tallyOf(node: NodeId): Tally {
    const known = this.#tallies.get(node)
    if (known !== undefined) return known
    const tally: Tally = {
      cpuReserved: 0,
      memoryReservedMb: 0,
      replicas: 0,
      cpuComing: 0,
      ofService: new Map(),
      hostPorts: new Set(),
    }
    for (const replica of this.#desired.replicasOn(node)) {
      const service = this.#desired.services.get(replica.service)
      if (service !== undefined) count(tally, service.id, templateOf(service, replica.revision), 1)
    }
    this.#tallies.set(node, tally)
    return tally
  }
}

function count(tally: Tally, service: ServiceId, spec: ServiceSpec, by: 1 | -1): void {
  tally.cpuReserved += by * spec.resources.cpuReserved
  tally.memoryReservedMb += by * spec.resources.memoryReservedMb
  tally.replicas += by
  tally.ofService.set(service, (tally.ofService.get(service) ?? 0) + by)
  if (spec.hostPort === undefined) return
  if (by === 1) tally.hostPorts.add(spec.hostPort)
  else tally.hostPorts.delete(spec.hostPort)
}
