import type { Change } from '../../shared/change.ts'
import type { Decision } from '../../shared/decision.ts'
import type { Node, NodeId } from '../../shared/model.ts'
import type { DesiredView } from './desired.ts'
import type { Limits } from './limits.ts'
import type { Observed } from './observed.ts'
import type { Slots } from './slots.ts'

export interface PlanContext {
  readonly nowMs: number
  readonly limits: Limits
  newId(): string
}

/** Decisions are also made when nothing changes: they are kept to answer "why?". */
export interface Plan {
  readonly changes: readonly Change[]
  readonly decisions: readonly Decision[]
}

/** A node with the condition it is in now. */
export interface NodeNow extends Node {
  /** Why it is in that condition. */
  readonly why: string
}

/** What the parts of one plan share. */
export interface World {
  readonly desired: DesiredView
  readonly observed: Observed
  readonly at: PlanContext
  readonly slots: Slots
  readonly nodes: ReadonlyMap<NodeId, NodeNow>
}

/** What every change of the plan carries. */
export function fact(
  at: PlanContext,
  reason: string,
): { readonly atMs: number; readonly actor: string; readonly reason: string } {
  return { atMs: at.nowMs, actor: 'master', reason }
}
