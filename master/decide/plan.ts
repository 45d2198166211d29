/** The whole brain: what was promised and what is seen in, the next changes out. */
import type { Change } from '../../shared/change.ts'
import type { NodeId } from '../../shared/model.ts'
import type { DesiredView } from './desired.ts'
import { conditionOf, isSettled } from './liveness.ts'
import { finishLeaving } from './node-plan.ts'
import type { Observed } from './observed.ts'
import { placeAll, type ToPlace } from './placement-plan.ts'
import { decideAll } from './scaling-plan.ts'
import { assess, planService } from './service-plan.ts'
import { Slots } from './slots.ts'
import { fact, type NodeNow, type Plan, type PlanContext, type World } from './world.ts'

/** Settles: planned again after its own changes, at the same instant, it wants nothing more. */
export function plan(desired: DesiredView, observed: Observed, at: PlanContext): Plan {
  const nodes = new Map<NodeId, NodeNow>()
  const changes: Change[] = tellConditions(desired, observed, at, nodes)
  if (!isSettled(desired.nodes.values(), observed, at.limits, at.nowMs)) {
    return { changes, decisions: [] }
  }
  const world: World = { desired, observed, at, nodes, slots: new Slots(desired, observed, nodes) }
  const assessed = [...desired.services.values()].map((service) => assess(service, world))
  const decisions = decideAll(assessed, at.limits)
  const toPlace: ToPlace[] = []
  for (const each of assessed) {
    const planned = planService(each, decisions.get(each.service.id), world)
    changes.push(...planned.changes)
    toPlace.push(...planned.toPlace)
  }
  changes.push(...dropOrphans(desired, at))
  // Nodes go before replicas are placed, so that each place is judged by what will be there.
  changes.push(...finishLeaving(world, changes))
  changes.push(...placeAll(toPlace, world))
  return { changes, decisions: [...decisions.values()] }
}

function tellConditions(
  desired: DesiredView,
  observed: Observed,
  at: PlanContext,
  into: Map<NodeId, NodeNow>,
): Change[] {
  const changes: Change[] = []
  for (const node of desired.nodes.values()) {
    const { condition, reason } = conditionOf(node, observed, at.limits, at.nowMs)
    into.set(node.id, { ...node, condition, why: reason })
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
