/** What the master's HTTP API answers: read by the CLI, the console and other programs. */
import type { Entry } from './change.ts'
import type { Decision } from './decision.ts'
import type { Condition, DriverName, HostLoad, Pool, Schedulability, ServiceSpec } from './model.ts'

export interface ErrorBody {
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details?: readonly string[]
  }
}

export interface NodeView {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly driver: DriverName
  readonly pool: Pool
  readonly condition: Condition
  readonly schedulability: Schedulability
  readonly cpuPercent?: number
  readonly memoryPercent?: number
  readonly diskPercent?: number
  /** Why it is not ready, in one sentence. */
  readonly reason?: string
  /** Why its worker can start and stop nothing now. */
  readonly trouble?: string
  readonly cpus: number
  readonly memoryMb: number
  /** What placement counts as taken by the replicas there. */
  readonly cpuReserved: number
  readonly memoryReservedMb: number
  readonly replicas: number
  readonly joinedAt: string
  /** The last heartbeat; absent when this master has not seen one yet. */
  readonly seenAt?: string
}

export type ReplicaState =
  | 'pending'
  | 'assigned'
  | 'starting'
  | 'serving'
  | 'unhealthy'
  | 'waiting'
  | 'failed'
  | 'draining'
  | 'stopping'
  | 'unknown'

export interface ReplicaView {
  readonly id: string
  readonly service: string
  readonly serviceName: string
  readonly image?: string
  readonly revision: number
  readonly node?: string
  readonly nodeName?: string
  readonly state: ReplicaState
  /** Why it is in that state, when the state alone does not say it. */
  readonly reason?: string
  /** Where it answers directly, on its node. */
  readonly url?: string
  readonly handle?: string
  readonly restarts: number
  readonly cpuPercent?: number
  readonly memoryMb?: number
  /** Totals of its present run. */
  readonly networkInBytes?: number
  readonly networkOutBytes?: number
  readonly diskReadBytes?: number
  readonly diskWriteBytes?: number
  readonly createdAt: string
}

/** A line of `GET /v1/replicas/:id/logs`; the last one may hold an `error` in place of all this. */
export interface LogLineView {
  readonly replica: string
  readonly stream: 'stdout' | 'stderr'
  /** When it was printed, where that is known. */
  readonly atMs?: number
  readonly text: string
}

/** A line of `GET /v1/replicas/:id/progress`. */
export interface ProgressView {
  readonly replica: string
  readonly text: string
  readonly doneBytes?: number
  readonly totalBytes?: number
}

export interface ServiceView {
  readonly id: string
  readonly name: string
  readonly spec: ServiceSpec
  readonly revision: number
  /** `p95 < 100ms` */
  readonly objective: string
  readonly replicas: number
  readonly serving: number
  readonly starting: number
  readonly pending: number
  readonly percentileMs?: number
  readonly requestsPerSecond?: number
  readonly errorsPerSecond?: number
  /** The path under which every proxy serves it. */
  readonly path: string
  /** Where it can be asked now: one URL per live proxy. */
  readonly urls: readonly string[]
  readonly advice?: string
  /** It is on its way out: its replicas drain, then it goes. */
  readonly removing?: boolean
  readonly createdAt: string
}

export interface WhyView {
  readonly service: ServiceView
  /** The decision in force, with everything needed to recompute it. */
  readonly decision?: Decision
  /** Latest first; equal conclusions in a row are one item. */
  readonly history: readonly DecisionRun[]
}

/** A stretch in which the autoscaler concluded the same thing again and again. */
export interface DecisionRun {
  readonly decision: Decision
  readonly sinceAt: string
  readonly untilAt: string
  readonly evaluations: number
}

export interface ProxyView {
  readonly id: string
  readonly url: string
  readonly seenAt: string
  readonly routes: string
}

export interface HealthView {
  readonly status: 'ok' | 'degraded'
  readonly version: string
  readonly epoch: number
  readonly revision: number
  readonly startedAt: string
  readonly components: Readonly<
    Record<string, { readonly status: string; readonly reason?: string }>
  >
}

/** What a service looked like at one moment; measurements are absent when there were too few. */
export interface ServiceSample {
  readonly atMs: number
  readonly replicas: number
  readonly serving: number
  readonly percentileMs?: number
  readonly requestsPerSecond?: number
  readonly errorsPerSecond?: number
}

export interface NodeSample extends HostLoad {
  readonly atMs: number
  readonly seenAtMs: number
}

/** The answer of `GET …/series`, oldest first. */
export interface SeriesView<S> {
  readonly sampleEveryMs: number
  readonly retentionMs: number
  readonly samples: readonly S[]
}

/** The answer of `GET /v1/events`: each entry is one change with its revision. */
export interface EventsView {
  readonly events: readonly Entry[]
  readonly revision: number
}
