import type {
  DemandWindow,
  HostLoad,
  NodeId,
  ProxyId,
  ReplicaId,
  RouteRevision,
  ServiceId,
} from '../../shared/model.ts'
import type { ReplicaReport } from '../../shared/protocol.ts'

/** What was seen lately: it lives in memory and comes back by itself within two heartbeats. */
export interface Observed {
  /** Since when this master looks; before, not having seen something means nothing. */
  readonly sinceMs: number
  readonly nodes: ReadonlyMap<NodeId, NodeObservation>
  readonly proxies: ReadonlyMap<ProxyId, ProxyObservation>
  readonly demand: ReadonlyMap<ServiceId, Demand>
  /** The routing table in which a draining replica was first missing. */
  readonly retired: ReadonlyMap<ReplicaId, RouteRevision>
}

export interface NodeObservation {
  readonly seenAtMs: number
  readonly load: HostLoad
  readonly replicas: ReadonlyMap<ReplicaId, ReplicaReport>
  /** The revision of the assignments that the last heartbeat reflected. */
  readonly assignments: number
}

export interface ProxyObservation {
  readonly seenAtMs: number
  readonly routes: RouteRevision
  readonly inFlight: ReadonlyMap<ReplicaId, number>
}

export interface Demand {
  /** Oldest first. */
  readonly windows: readonly DemandWindow[]
  /** Whether every live proxy has reported within the last window. */
  readonly complete: boolean
}
