/** What was promised: rebuilt from snapshot and log, changed by `apply` alone. */
import type { Change } from '../../shared/change.ts'
import type {
  Node,
  NodeId,
  Replica,
  ReplicaId,
  Service,
  ServiceId,
  ServiceSpec,
} from '../../shared/model.ts'
import { completed } from './older-spec.ts'

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
  /** Whether a node of this id was removed on purpose: it must not come back by itself. */
  wasRemoved(node: NodeId): boolean
}

const REMOVED_NODES_MAX = 1_000

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
  readonly #removedNodes = new Set<NodeId>()
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

  wasRemoved(node: NodeId): boolean {
    return this.#removedNodes.has(node)
  }

  /** Takes the change that stands at this revision of the log. */
  apply(change: Change, revision: number): void {
    this.#revision = revision
    if (change.kind.startsWith('node-')) this.#applyToNode(change)
    else if (change.kind.startsWith('service-')) this.#applyToService(change)
    else this.#applyToReplica(change, revision)
  }

  /** Fills an empty state with what a snapshot held. */
  restore(saved: SavedState): void {
    for (const node of saved.nodes) this.#putNode(node)
    for (const service of saved.services) this.#putService(service)
    for (const replica of saved.replicas) this.#putReplica(replica)
    for (const [node, revision] of saved.assignments) this.#assignmentsRevision.set(node, revision)
    for (const node of saved.removedNodes) this.#remember(node)
    this.#revision = saved.revision
  }

  save(): SavedState {
    return {
      revision: this.#revision,
      nodes: [...this.nodes.values()],
      services: [...this.services.values()],
      replicas: [...this.replicas.values()],
      assignments: [...this.#assignmentsRevision],
      removedNodes: [...this.#removedNodes],
    }
  }

  #applyToNode(change: Change): void {
    if (change.kind === 'node-joined') this.#putNode(change.node)
    const node = this.nodes.get('node' in change ? String(change.node) : '')
    if (node === undefined) return
    if (change.kind === 'node-condition') this.#putNode({ ...node, condition: change.condition })
    if (change.kind === 'node-schedulability') {
      this.#putNode({ ...node, schedulability: change.schedulability, pool: change.pool })
    }
    if (change.kind === 'node-removed') {
      this.nodes.delete(node.id)
      this.#nodesByName.delete(node.name)
      this.#assignmentsRevision.delete(node.id)
      this.#remember(node.id)
    }
  }

  #applyToService(change: Change): void {
    const service = this.services.get('service' in change ? String(change.service) : '')
    if (change.kind === 'service-applied') {
      this.#putService(this.#applied(change))
    } else if (service === undefined) {
      return
    } else if (change.kind === 'service-removed') {
      this.services.delete(service.id)
      this.#servicesByName.delete(service.spec.name)
    } else {
      this.#putService(changedService(service, change))
    }
  }

  #applied(change: Change & { kind: 'service-applied' }): Service {
    const before = this.services.get(change.service)
    const { replicas, revision, spec, service: id, atMs } = change
    if (before === undefined) {
      return { id, spec, revision, replicas, createdAtMs: atMs, previous: [] }
    }
    const older = { revision: before.revision, spec: before.spec }
    const previous = revision === before.revision ? before.previous : [...before.previous, older]
    // A new template is a new chance: old failures to start say nothing about it.
    const { failures, ...rest } = before
    const kept = revision === before.revision && failures !== undefined ? { failures } : {}
    return { ...rest, ...kept, spec, revision, replicas, previous: this.#inUse(id, previous) }
  }

  #applyToReplica(change: Change, revision: number): void {
    if (change.kind === 'replica-added') {
      this.#putReplica(change.replica)
      this.#touch(change.replica.node, revision)
      return
    }
    const replica = this.replicas.get('replica' in change ? String(change.replica) : '')
    if (replica === undefined) return
    if (change.kind === 'replica-removed') this.#dropReplica(replica)
    else this.#putReplica(changedReplica(replica, change))
    if (change.kind === 'replica-assigned') this.#touch(change.node, revision)
    if (change.kind === 'replica-draining' || change.kind === 'replica-removed') {
      this.#touch(replica.node, revision)
    }
  }

  #dropReplica(replica: Replica): void {
    this.replicas.delete(replica.id)
    this.#replicasOfService.get(replica.service)?.delete(replica.id)
    if (replica.node !== undefined) this.#replicasOnNode.get(replica.node)?.delete(replica.id)
    const service = this.services.get(replica.service)
    if (service !== undefined && service.previous.length > 0) {
      this.#putService({ ...service, previous: this.#inUse(service.id, service.previous) })
    }
  }

  #inUse(service: ServiceId, templates: Service['previous']): Service['previous'] {
    const used = new Set(this.replicasOf(service).map((replica) => replica.revision))
    return templates.filter((template) => used.has(template.revision))
  }

  #putNode(node: Node): void {
    const before = this.nodes.get(node.id)
    if (before !== undefined) this.#nodesByName.delete(before.name)
    this.nodes.set(node.id, node)
    this.#nodesByName.set(node.name, node.id)
  }

  #putService(written: Service): void {
    const service = completed(written)
    this.services.set(service.id, service)
    this.#servicesByName.set(service.spec.name, service.id)
  }

  #putReplica(replica: Replica): void {
    const before = this.replicas.get(replica.id)
    if (before?.node !== undefined && before.node !== replica.node) {
      this.#replicasOnNode.get(before.node)?.delete(replica.id)
    }
    this.replicas.set(replica.id, replica)
    addTo(this.#replicasOfService, replica.service, replica.id)
    if (replica.node !== undefined) addTo(this.#replicasOnNode, replica.node, replica.id)
  }

  #remember(node: NodeId): void {
    this.#removedNodes.add(node)
    if (this.#removedNodes.size <= REMOVED_NODES_MAX) return
    this.#removedNodes.delete(this.#removedNodes.values().next().value ?? '')
  }

  #touch(node: NodeId | undefined, revision: number): void {
    if (node !== undefined) this.#assignmentsRevision.set(node, revision)
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

/** The template that a replica of this revision was made from. */
export function templateOf(service: Service, revision: number): ServiceSpec {
  return service.previous.find((older) => older.revision === revision)?.spec ?? service.spec
}

/** Everything a snapshot holds. */
export interface SavedState {
  readonly revision: number
  readonly nodes: readonly Node[]
  readonly services: readonly Service[]
  readonly replicas: readonly Replica[]
  readonly assignments: readonly (readonly [NodeId, number])[]
  readonly removedNodes: readonly NodeId[]
}

function changedService(service: Service, change: Change): Service {
  const { failures, advice, scaling, ...rest } = service
  const memory = scaling === undefined ? {} : { scaling }
  const failed = failures === undefined ? {} : { failures }
  const advised = advice === undefined ? {} : { advice }
  switch (change.kind) {
    case 'service-scaled': {
      const remembered = change.scaling === undefined ? memory : { scaling: change.scaling }
      return { ...rest, ...failed, ...advised, ...remembered, replicas: change.replicas }
    }
    case 'service-failures':
      return { ...rest, ...memory, ...advised, ...defined('failures', change.failures) }
    case 'service-advice':
      return { ...rest, ...memory, ...failed, ...defined('advice', change.advice) }
    case 'service-removing':
      return { ...service, removing: true, replicas: 0 }
    default:
      return service
  }
}

function changedReplica(replica: Replica, change: Change): Replica {
  const { pendingReason: _, ...rest } = replica
  switch (change.kind) {
    case 'replica-assigned':
      return { ...rest, node: change.node, assignedAtMs: change.atMs }
    case 'replica-pending':
      return { ...rest, pendingReason: change.reason }
    case 'replica-phase':
      return { ...replica, phase: change.phase }
    case 'replica-draining':
      return { ...replica, drainingSinceMs: change.atMs }
    default:
      return replica
  }
}

function defined<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [key]: value } as { [P in K]?: V })
}

function addTo<K>(index: Map<K, Set<ReplicaId>>, key: K, id: ReplicaId): void {
  const set = index.get(key)
  if (set === undefined) index.set(key, new Set([id]))
  else set.add(id)
}
