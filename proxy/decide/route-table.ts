import type {
  Endpoint,
  ReplicaId,
  RouteFragment,
  RouteRevision,
  ServiceId,
} from '../../shared/model.ts'
import type { RoutesAnswer } from '../../shared/protocol.ts'
import { type Destination, type RouteClass, RouteIndex } from './route-index.ts'

export type Applied =
  /**
   * The table is in force; `removed` are the replicas that get no new request from now on, `lost`
   * those of them whose machines had fallen silent before.
   */
  | {
      readonly kind: 'applied'
      readonly removed: readonly ReplicaId[]
      readonly lost: readonly ReplicaId[]
    }
  /** Nothing changed, and the master says that the table is right. */
  | { readonly kind: 'confirmed' }
  /** The answer does not follow on what is here: a snapshot is needed. */
  | { readonly kind: 'gap' }
  | { readonly kind: 'refused'; readonly reason: string }

/** What is kept on disk: the table, and the highest epoch that was ever seen. */
export interface SavedTable {
  readonly epoch: number
  readonly revision: RouteRevision
  readonly fragments: readonly RouteFragment[]
}

/** The routing table in force, moved on by snapshots and deltas, never back. */
export class RouteTable {
  #fragments = new Map<ServiceId, RouteFragment>()
  #index = new RouteIndex([])
  #revision: RouteRevision | undefined
  #epoch = 0
  #stale = true

  get revision(): RouteRevision | undefined {
    return this.#revision
  }

  /** Whether no master has confirmed this table in this life of the proxy. */
  get stale(): boolean {
    return this.#stale
  }

  get fragments(): readonly RouteFragment[] {
    return [...this.#fragments.values()]
  }

  get saved(): SavedTable | undefined {
    if (this.#revision === undefined) return undefined
    return { epoch: this.#epoch, revision: this.#revision, fragments: this.fragments }
  }

  /** Takes up what an earlier life had; it serves, but is stale until a master confirms it. */
  restore(saved: SavedTable): void {
    this.#epoch = Math.max(saved.epoch, saved.revision.epoch)
    this.#revision = saved.revision
    this.#put(new Map(saved.fragments.map((fragment) => [fragment.service, fragment])))
  }

  /** Applies what the master answered to the question "what came after `after`?". */
  apply(answer: RoutesAnswer, after: RouteRevision | undefined): Applied {
    const { revision } = answer
    const refusal = this.#refusal(answer)
    if (refusal !== undefined) return { kind: 'refused', reason: refusal }
    this.#epoch = Math.max(this.#epoch, revision.epoch)
    if (answer.snapshot) {
      return this.#enforce(new Map(answer.fragments.map((f) => [f.service, f])), revision)
    }
    if (!equal(after, this.#revision) || revision.epoch !== this.#revision?.epoch) {
      return { kind: 'gap' }
    }
    if (equal(revision, this.#revision)) {
      this.#stale = false
      return { kind: 'confirmed' }
    }
    const next = new Map(this.#fragments)
    for (const service of answer.removed) next.delete(service)
    for (const fragment of answer.fragments) next.set(fragment.service, fragment)
    return this.#enforce(next, revision)
  }

  match(host: string, target: string): Destination | undefined {
    return this.#index.match(host, target)
  }

  claims(host: string, target: string): boolean {
    return this.#index.claims(host, target)
  }

  routeOf(service: ServiceId, target: string): RouteClass | undefined {
    return this.#index.routeOf(service, target)
  }

  find(name: string): RouteFragment | undefined {
    return this.#index.find(name)
  }

  fragment(service: ServiceId): RouteFragment | undefined {
    return this.#fragments.get(service)
  }

  #refusal({ revision }: RoutesAnswer): string | undefined {
    if (revision.epoch < this.#epoch) {
      return `epoch ${revision.epoch} is older than epoch ${this.#epoch}, which was seen before`
    }
    const { epoch = -1, seq = 0 } = this.#revision ?? {}
    if (revision.epoch === epoch && revision.seq < seq) {
      return `sequence ${revision.seq} is older than ${seq}, which is in force`
    }
    return undefined
  }

  #enforce(next: Map<ServiceId, RouteFragment>, revision: RouteRevision): Applied {
    const before = [...this.#fragments.values()].flatMap(({ endpoints }) => endpoints)
    this.#revision = revision
    this.#stale = false
    this.#put(next)
    const now = replicasIn(next.values())
    const gone = before.filter(({ replica }) => !now.has(replica))
    const lost = gone.filter(({ suspect }) => suspect)
    return { kind: 'applied', removed: gone.map(idOf), lost: lost.map(idOf) }
  }

  #put(fragments: Map<ServiceId, RouteFragment>): void {
    this.#fragments = fragments
    this.#index = new RouteIndex(fragments.values())
  }
}

export function replicasIn(fragments: Iterable<RouteFragment>): Set<ReplicaId> {
  const replicas = new Set<ReplicaId>()
  for (const { endpoints } of fragments) {
    for (const { replica } of endpoints) replicas.add(replica)
  }
  return replicas
}

function idOf({ replica }: Endpoint): ReplicaId {
  return replica
}

function equal(a: RouteRevision | undefined, b: RouteRevision | undefined): boolean {
  return a?.epoch === b?.epoch && a?.seq === b?.seq
}
