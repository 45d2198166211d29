/** What is added to the desired state, one fact at a time: journal, audit trail and event feed. */
import type { Decision } from './decision.ts'
import type {
  Condition,
  Node,
  NodeId,
  PhaseKind,
  Pool,
  Replica,
  ReplicaId,
  ScalingMemory,
  Schedulability,
  ServiceId,
  ServiceSpec,
  StartFailures,
} from './model.ts'

interface Fact {
  readonly atMs: number
  readonly actor: string
  readonly reason: string
}

/** One fact added to the desired state. The same values are journal, audit trail and event feed. */
export type Change = Fact &
  (
    | { readonly kind: 'node-joined'; readonly node: Node }
    | { readonly kind: 'node-condition'; readonly node: NodeId; readonly condition: Condition }
    | {
        readonly kind: 'node-schedulability'
        readonly node: NodeId
        readonly schedulability: Schedulability
        readonly pool: Pool
      }
    | { readonly kind: 'node-removed'; readonly node: NodeId }
    | {
        readonly kind: 'service-applied'
        readonly service: ServiceId
        readonly spec: ServiceSpec
        readonly revision: number
        readonly replicas: number
      }
    | {
        readonly kind: 'service-scaled'
        readonly service: ServiceId
        readonly replicas: number
        readonly scaling?: ScalingMemory
        readonly decision?: Decision
      }
    | {
        readonly kind: 'service-failures'
        readonly service: ServiceId
        readonly failures?: StartFailures
      }
    | { readonly kind: 'service-advice'; readonly service: ServiceId; readonly advice?: string }
    | { readonly kind: 'service-removing'; readonly service: ServiceId }
    | { readonly kind: 'service-removed'; readonly service: ServiceId }
    | { readonly kind: 'replica-added'; readonly replica: Replica }
    | { readonly kind: 'replica-assigned'; readonly replica: ReplicaId; readonly node: NodeId }
    | { readonly kind: 'replica-pending'; readonly replica: ReplicaId }
    | { readonly kind: 'replica-phase'; readonly replica: ReplicaId; readonly phase: PhaseKind }
    | { readonly kind: 'replica-draining'; readonly replica: ReplicaId }
    | { readonly kind: 'replica-removed'; readonly replica: ReplicaId }
  )

export type ChangeKind = Change['kind']

/** A change in its place in the log. */
export interface Entry {
  readonly revision: number
  readonly epoch: number
  readonly change: Change
}
