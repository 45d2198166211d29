/** The dictionary: one concept, one word. Pure types; every program speaks these and no others. */

export type NodeId = string
export type ServiceId = string
export type ReplicaId = string
export type ProxyId = string

/** What a user asks of a service's latency: `p95 < 100ms`. */
export interface Objective {
  readonly percentile: number
  readonly latencyTargetMs: number
}

/** How a replica is asked whether it is well. */
export type Probe =
  | { readonly kind: 'http'; readonly path: string }
  | { readonly kind: 'tcp' }
  | { readonly kind: 'command'; readonly command: readonly string[] }
  /** The check that the image brings along; a connection where it brings none. */
  | { readonly kind: 'image' }
  | { readonly kind: 'none' }

export interface HealthCheck {
  readonly probe: Probe
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly failuresMax: number
  readonly successesMin: number
  /** How long a replica may take from its start to its first passing probe. */
  readonly startMaxMs: number
}

/** Where requests for a service come in; `/s/<service>/…` always works and needs no rule. */
export interface RouteRule {
  readonly host?: string
  readonly path?: string
  /** Requests of this route take their time: they do not count against the objective. */
  readonly slow?: boolean
}

/**
 * How requests are given to replicas. `queue`: each waits for a free permit of a replica that is
 * fast enough; the others send at once, to whom their rule names.
 */
export type BalancePolicy = 'queue' | 'round-robin' | 'least-connections' | 'p2c' | 'peak-ewma'

/** Whether the requests of one client go to one replica, and how the client is known again. */
export type Stickiness = 'none' | 'cookie' | 'client-ip'

export interface Balance {
  readonly policy: BalancePolicy
  readonly sticky: Stickiness
}

export interface Bounds {
  readonly replicasMin: number
  readonly replicasMax: number
}

/** Limits are in force at run time; reservations are what placement counts. */
export interface Resources {
  readonly cpuLimit: number
  readonly memoryLimitMb: number
  readonly cpuReserved: number
  readonly memoryReservedMb: number
  /** The most processes and threads inside one replica. */
  readonly pidsMax: number
}

/** A named volume of the node, and where a container sees it. */
export interface VolumeMount {
  readonly volume: string
  readonly path: string
  readonly readOnly: boolean
}

/** `missing`: an image that is there is not asked for again. */
export type PullPolicy = 'missing' | 'always'

/** The template of a service as its user wrote it, with every default filled in. */
export interface ServiceSpec {
  readonly name: string
  readonly image?: string
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** The port a replica listens on inside its container; a process learns its port from `PORT`. */
  readonly port?: number
  /** A fixed port on the node; without it the worker takes one of its range. */
  readonly hostPort?: number
  /** Networks of its containers beside the node's own; made where they do not exist. */
  readonly networks: readonly string[]
  readonly volumes: readonly VolumeMount[]
  readonly labels: Readonly<Record<string, string>>
  /** `USER[:GROUP]` inside the container; the image's own without it. */
  readonly user?: string
  /** Whether a small first process reaps orphans and hands on signals. */
  readonly init: boolean
  readonly pull: PullPolicy
  readonly objective: Objective
  readonly bounds: Bounds
  readonly autoscale: boolean
  readonly routes: readonly RouteRule[]
  readonly health: HealthCheck
  readonly resources: Resources
  readonly stopGraceMs: number
  readonly balance: Balance
  /** Requests that one replica handles at once; learned when it is not given. */
  readonly concurrency?: number
}

/** What the autoscaler must remember of its last step to judge it. */
export interface ScalingMemory {
  readonly scaledAtMs: number
  readonly direction: 'up' | 'down'
  readonly from: number
  readonly to: number
  /** What was seen when it scaled: a step that did not help is not repeated. */
  readonly percentileBeforeMs?: number
  readonly ratePerReplicaBefore?: number
  /** How long it must stay calm before the next scale-in; doubles when a scale-in was regretted. */
  readonly holdMs: number
}

export interface StartFailures {
  readonly count: number
  readonly lastAtMs: number
  readonly nodes: readonly NodeId[]
}

export interface Service {
  readonly id: ServiceId
  readonly spec: ServiceSpec
  /** Counts the versions of the template; a replica of an older one is replaced. */
  readonly revision: number
  /** How many replicas should serve now, within the bounds. */
  readonly replicas: number
  readonly createdAtMs: number
  readonly scaling?: ScalingMemory
  readonly failures?: StartFailures
  /** What the operator should do, while it is true: `add a worker`. */
  readonly advice?: string
  /** It is on its way out: its replicas drain, then it goes. */
  readonly removing?: boolean
  /** Older templates that replicas still run with. */
  readonly previous: readonly Template[]
}

export interface Template {
  readonly revision: number
  readonly spec: ServiceSpec
}

/** What a worker sees of a replica. A phase never goes backwards but from `unhealthy` to `serving`. */
export type Phase =
  | { readonly kind: 'starting'; readonly sinceMs: number }
  | { readonly kind: 'serving'; readonly sinceMs: number }
  | { readonly kind: 'unhealthy'; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: 'waiting'; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: 'failed'; readonly sinceMs: number; readonly reason: string }
  | { readonly kind: 'stopping'; readonly sinceMs: number }

export type PhaseKind = Phase['kind']

export interface Replica {
  readonly id: ReplicaId
  readonly service: ServiceId
  readonly revision: number
  readonly createdAtMs: number
  /** Undefined while it is pending. */
  readonly node?: NodeId
  readonly assignedAtMs?: number
  readonly pendingReason?: string
  /** Set once it is on its way out: its traffic moves, then it stops. */
  readonly drainingSinceMs?: number
  /** The phase last told to the world, so that a transition is told once. */
  readonly phase?: PhaseKind
}

export type Pool = 'platform' | 'standby'
export type DriverName = 'docker' | 'process'

/** `draining` moves its replicas away; what happens then: back to the pool, or removed for good. */
export type Schedulability = 'open' | 'cordoned' | 'draining' | 'leaving'

export type Condition = 'ready' | 'busy' | 'suspect' | 'lost' | 'cordoned' | 'draining'

export interface Capacity {
  readonly cpus: number
  readonly memoryMb: number
}

/** A machine as the master sees it. */
export interface Node {
  readonly id: NodeId
  readonly name: string
  readonly address: string
  readonly driver: DriverName
  readonly pool: Pool
  readonly schedulability: Schedulability
  readonly capacity: Capacity
  /** The last time its worker joined: its first heartbeat is still on the way then. */
  readonly joinedAtMs: number
  /** The SHA-256 of the secret that lets the same worker come back under this id. */
  readonly secretHash: string
  /** The condition last told to the world. */
  readonly condition: Condition
}

export interface HostLoad {
  readonly cpuPercent: number
  readonly memoryPercent: number
  readonly diskPercent: number
  readonly networkInBytes: number
  readonly networkOutBytes: number
}

export interface Endpoint {
  readonly replica: ReplicaId
  readonly node: NodeId
  readonly host: string
  readonly port: number
  /** Its node was silent for a moment: others are preferred. */
  readonly suspect: boolean
  /** Its share of the requests relative to others; 1 without it. */
  readonly weight?: number
}

/** One service's part of the routing table: derived, published, never stored. */
export interface RouteFragment {
  readonly service: ServiceId
  readonly name: string
  readonly image?: string
  readonly objective: Objective
  readonly routes: readonly RouteRule[]
  readonly endpoints: readonly Endpoint[]
  /** The policy `queue` without stickiness when it is not given. */
  readonly balance?: Balance
  /** Requests that one replica handles at once, where its user knows; else it is learned. */
  readonly concurrency?: number
  /** Why there is no endpoint, in one sentence for the client. */
  readonly absence?: string
  /** A replica is on its way, or comes when somebody asks: requests may wait for it. */
  readonly comes?: boolean
}

/** The place in the stream of routing tables: a new master starts a new epoch. */
export interface RouteRevision {
  readonly epoch: number
  readonly seq: number
}
