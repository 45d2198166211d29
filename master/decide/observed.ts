import type { DemandWindow } from '../../shared/decision.ts'
import type {
  HostLoad,
  NodeId,
  ProxyId,
  ReplicaId,
  RouteRevision,
  Service,
} from '../../shared/model.ts'
import type { ReplicaReport } from '../../shared/protocol.ts'

/** What was seen lately: it lives in memory and comes back by itself within two heartbeats. */
export interface Observed {
  /** Since when this master looks; before, not having seen something means nothing. */
  readonly sinceMs: number
  readonly nodes: ReadonlyMap<NodeId, NodeObservation>
  readonly proxies: ReadonlyMap<ProxyId, ProxyObservation>
  demandOf(service: Service): Demand
  /** Whether every proxy that may carry traffic has reported lately. */
  readonly demandComplete: boolean
  readonly routes: Published
}

/** The routing table as it was last published. */
export interface Published {
  /** Undefined until this master has published for the first time. */
  readonly revision?: RouteRevision
  /** The replicas that are in it. */
  readonly routed: ReadonlySet<ReplicaId>
  /** The sequence number at which a replica left it. */
  readonly retired: ReadonlyMap<ReplicaId, number>
}

export interface NodeObservation {
  readonly seenAtMs: number
  readonly load: HostLoad
  readonly replicas: ReadonlyMap<ReplicaId, ReplicaReport>
  /** The revision of the assignments that the last heartbeat reflected. */
  readonly assignments: number
  /** Since when, by this master's clock, each replica is in the phase that was reported last. */
  readonly phaseSinceMs: ReadonlyMap<ReplicaId, number>
  /** Why its worker can start and stop nothing now. */
  readonly trouble?: string
}

export interface ProxyObservation {
  readonly seenAtMs: number
  readonly routes: RouteRevision
  readonly inFlight: ReadonlyMap<ReplicaId, number>
}

export interface Demand {
  readonly recent?: DemandWindow
  /** The same, seen from a moment before: what misses the objective in both is no mere stall. */
  readonly before?: DemandWindow
  /** Oldest first. */
  readonly windows: readonly DemandWindow[]
  /** Requests came lately, and no replica was wanted. */
  readonly unmet?: boolean
}
