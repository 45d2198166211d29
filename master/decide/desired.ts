/** What was promised: rebuilt from snapshot and log, changed by `apply` alone. */
import type {
  Change,
  Node,
  NodeId,
  Replica,
  ReplicaId,
  Service,
  ServiceId,
} from '../../shared/model.ts'

/** The desired state as everybody but its owner sees it. */
export interface DesiredView {
  readonly revision: number
  readonly nodes: ReadonlyMap<NodeId, Node>
  readonly services: ReadonlyMap<ServiceId, Service>
  readonly replicas: ReadonlyMap<ReplicaId, Replica>
  nodeNamed(name: string): Node | undefined
  serviceNamed(name: string): Service | undefined
  replicasOf(service: ServiceId): readonly Replica[]
  replicasOn(node: NodeId): readonly Replica[]
  /** The revision of the last change to what this node should run. */
  assignmentsRevision(node: NodeId): number
}

/** The machine behind the view: an index that takes one change after the other. */
export class Desired implements DesiredView {
  readonly nodes = new Map<NodeId, Node>()
  readonly services = new Map<ServiceId, Service>()
  readonly replicas = new Map<ReplicaId, Replica>()
  readonly #nodesByName = new Map<string, NodeId>()
  readonly #servicesByName = new Map<string, ServiceId>()
  readonly #replicasOfService = new Map<ServiceId, Set<ReplicaId>>()
  readonly #replicasOnNode = new Map<NodeId, Set<ReplicaId>>()
  readonly #assignmentsRevision = new Map<NodeId, number>()
  #revision = 0

  get revision(): number {
    return this.#revision
  }

  nodeNamed(name: string): Node | undefined {
    return this.nodes.get(this.#nodesByName.get(name) ?? '')
  }

  serviceNamed(name: string): Service | undefined {
    return this.services.get(this.#servicesByName.get(name) ?? '')
  }

  replicasOf(service: ServiceId): readonly Replica[] {
    return this.#resolve(this.#replicasOfService.get(service))
  }

  replicasOn(node: NodeId): readonly Replica[] {
    return this.#resolve(this.#replicasOnNode.get(node))
  }

  assignmentsRevision(node: NodeId): number {
    return this.#assignmentsRevision.get(node) ?? 0
  }

  apply(_change: Change, revision: number): void {
    this.#revision = revision
  }

  #resolve(ids: ReadonlySet<ReplicaId> | undefined): readonly Replica[] {
    const found: Replica[] = []
    for (const id of ids ?? []) {
      const replica = this.replicas.get(id)
      if (replica !== undefined) found.push(replica)
    }
    return found
  }
}
