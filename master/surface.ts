/** What the API may ask of the running master. Handlers see this and nothing else of it. */
import type { HealthView, NodeSample, ProxyView, SeriesView, ServiceSample } from '../shared/api.ts'
import type { Change, Entry } from '../shared/change.ts'
import type { Decision } from '../shared/decision.ts'
import type { Node, NodeId, ProxyId, RouteRevision, ServiceId } from '../shared/model.ts'
import type {
  Assignments,
  Heartbeat,
  HeartbeatAnswer,
  Measurements,
  MeasurementsAnswer,
  NodeJoin,
  NodeJoined,
  ProxyJoin,
  ProxyJoined,
  RoutesAnswer,
} from '../shared/protocol.ts'
import type { StreamSocket } from '../shared/stream-socket.ts'
import type { DesiredView } from './decide/desired.ts'
import type { Verdict } from './decide/liveness.ts'
import type { Observed } from './decide/observed.ts'

export interface MasterSurface {
  readonly desired: DesiredView
  readonly observed: Observed
  nowMs(): number
  /** The condition that a node is in now, and why. */
  conditionOf(node: Node): Verdict
  /** Turns the intent into changes and answers the revision at which they are durable. */
  commit(intent: Intent, actor: string): Promise<number>
  readonly workers: WorkerDoor
  readonly proxies: ProxyDoor
  readonly streams: StreamDoor
  readonly events: EventSource
  readonly decisions: DecisionSource
  readonly history: HistorySource
  health(): HealthView
  /** The text of `/metrics`. */
  metrics(): Promise<string>
  setLogLevel(level: string): void
}

/** Pure: what a request means for the desired state; throws a RequestError when it may not be. */
export type Intent = (desired: DesiredView, at: IntentContext) => readonly Change[]

export interface IntentContext {
  readonly nowMs: number
  readonly actor: string
  newId(): string
}

export interface WorkerDoor {
  join(join: NodeJoin, from: Caller): Promise<NodeJoined>
  heartbeat(node: NodeId, heartbeat: Heartbeat): HeartbeatAnswer
  /** Answers at once when the set is newer than `after`, else when it changes or the wait ends. */
  assignments(node: NodeId, after: number, signal: AbortSignal): Promise<Assignments>
  /** A worker that ends gracefully: its replicas move, then its entry goes. */
  leave(node: NodeId): Promise<void>
}

export interface ProxyDoor {
  join(join: ProxyJoin, from: Caller): Promise<ProxyJoined>
  leave(proxy: ProxyId): void
  routes(after: RouteRevision | undefined, signal: AbortSignal): Promise<RoutesAnswer>
  measure(measurements: Measurements): MeasurementsAnswer
  list(): readonly ProxyView[]
}

/** What goes on inside replicas, asked of their workers over the connection that those keep. */
export interface StreamDoor {
  /** Throws for a node that has not joined; takes its connection otherwise, in place of any before. */
  welcome(node: NodeId): (socket: StreamSocket) => void
  /** Lines of JSON, several at once; rejects when its worker cannot be asked. */
  logs(replica: string, asked: LogsQuery, signal: AbortSignal): Promise<AsyncIterable<string>>
  progress(replica: string, signal: AbortSignal): Promise<AsyncIterable<string>>
  /** Throws when its worker cannot be asked; what the client wants run it says on the socket. */
  exec(replica: string, actor: string): (socket: StreamSocket) => Promise<void>
}

export interface LogsQuery {
  readonly follow: boolean
  readonly tail?: number
  readonly sinceMs?: number
}

/** Who is calling: proved by a certificate or a token, or anybody on loopback. */
export interface Caller {
  readonly address: string
  readonly role: Role
  /** The node or proxy id in its certificate. */
  readonly subject?: string
}

export type Role = 'admin' | 'operator' | 'viewer' | 'node' | 'proxy' | 'join' | 'none'

export interface EventSource {
  readFrom(revision: number, limit: number): Promise<readonly Entry[]>
  watch(revision: number, signal: AbortSignal): AsyncIterable<readonly Entry[]>
  readonly head: number
}

export interface HistorySource {
  ofService(service: ServiceId): SeriesView<ServiceSample>
  ofNode(node: NodeId): SeriesView<NodeSample>
}

export interface DecisionSource {
  latest(service: ServiceId): Decision | undefined
  /** Latest first; equal conclusions in a row are one item. */
  history(service: ServiceId): readonly DecisionStretch[]
}

export interface DecisionStretch {
  readonly decision: Decision
  readonly sinceMs: number
  readonly untilMs: number
  readonly evaluations: number
}
