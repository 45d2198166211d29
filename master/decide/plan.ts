/** The whole brain: what was promised and what is seen in, the next changes out. */
import type { Change, Condition, Decision, Node, NodeId } from '../../shared/model.ts'
import type { DesiredView } from './desired.ts'
import { conditionOf, isSettled } from './liveness.ts'
import type { Observed } from './observed.ts'
import { planService } from './service-plan.ts'
import { Slots } from './slots.ts'
import { fact, type Plan, type PlanContext, type World } from './world.ts'

/** Settles: planned again after its own changes, at the same instant, it wants nothing more. */
export function plan(desired: DesiredView, observed: Observed, at: PlanContext): Plan {
  const conditions = new Map<NodeId, Condition>()
  const told = tellConditions(desired, observed, at, conditions)
  if (!isSettled(desired.nodes.values(), observed, at.limits, at.nowMs)) {
    return { changes: told, decisions: [] }
  }
  const slots = new Slots(desired, observed, conditions)
  const world: World = {
    desired,
    observed,
    at,
    slots,
    conditions,
    nodes: asSeen(desired, conditions),
  }
  const changes: Change[] = [...told]
  const decisions: Decision[] = []
  for (const service of desired.services.values()) {
    const planned = planService(service, world)
    changes.push(...planned.changes)
    decisions.push(...planned.decisions)
  }
  changes.push(...dropOrphans(desired, at), ...finishLeaving(world, changes))
  return { changes, decisions }
}

function asSeen(
  desired: DesiredView,
  conditions: ReadonlyMap<NodeId, Condition>,
): ReadonlyMap<NodeId, Node> {
  const nodes = new Map<NodeId, Node>()
  for (const node of desired.nodes.values()) {
    nodes.set(node.id, { ...node, condition: conditions.get(node.id) ?? node.condition })
  }
  return nodes
}

function tellConditions(
  desired: DesiredView,
  observed: Observed,
  at: PlanContext,
  into: Map<NodeId, Condition>,
): Change[] {
  const changes: Change[] = []
  for (const node of desired.nodes.values()) {
    const { condition, reason } = conditionOf(node, observed, at.limits, at.nowMs)
    into.set(node.id, condition)
    if (condition === node.condition) continue
    changes.push({ kind: 'node-condition', node: node.id, condition, ...fact(at, reason) })
  }
  return changes
}

/** Replicas of a service that no longer exists, should a log ever hold such. */
function dropOrphans(desired: DesiredView, at: PlanContext): Change[] {
  const changes: Change[] = []
  for (const replica of desired.replicas.values()) {
    if (desired.services.has(replica.service)) continue
    const reason = fact(at, 'its service is gone')
    changes.push({ kind: 'replica-removed', replica: replica.id, ...reason })
  }
  return changes
}

/** A node that was emptied becomes a spare, or goes when it wanted to leave. */
function finishLeaving(world: World, planned: readonly Change[]): Change[] {
  const { desired, at } = world
  const removed = new Set(planned.flatMap((c) => (c.kind === 'replica-removed' ? [c.replica] : [])))
  const changes: Change[] = []
  for (const node of desired.nodes.values()) {
    if (node.schedulability !== 'draining' && node.schedulability !== 'leaving') continue
    if (desired.replicasOn(node.id).some((replica) => !removed.has(replica.id))) continue
    if (node.schedulability === 'leaving') {
      changes.push({ kind: 'node-removed', node: node.id, ...fact(at, 'it runs nothing any more') })
    } else {
      const spare = { schedulability: 'open', pool: 'standby' } as const
      const reason = fact(at, 'it runs nothing any more: it is a spare now')
      changes.push({ kind: 'node-schedulability', node: node.id, ...spare, ...reason })
    }
  }
  return changes
}
