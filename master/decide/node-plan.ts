import type { Change } from '../../shared/change.ts'
import type { Node } from '../../shared/model.ts'
import { conditionOf } from './liveness.ts'
import { fact, type World } from './world.ts'

/** A node that was emptied becomes a spare, or goes when it wanted to leave. */
export function finishLeaving(world: World, planned: readonly Change[]): Change[] {
  const { desired, nodes } = world
  const removed = new Set(planned.flatMap((c) => (c.kind === 'replica-removed' ? [c.replica] : [])))
  const changes: Change[] = []
  for (const node of nodes.values()) {
    if (node.schedulability !== 'draining' && node.schedulability !== 'leaving') continue
    if (desired.replicasOn(node.id).some((replica) => !removed.has(replica.id))) continue
    changes.push(...(node.schedulability === 'leaving' ? remove(node, world) : spare(node, world)))
  }
  return changes
}

function remove(node: Node, { at, slots }: World): Change[] {
  slots.drop(node.id)
  return [{ kind: 'node-removed', node: node.id, ...fact(at, 'it runs nothing any more') }]
}

function spare(node: Node, { at, slots, observed }: World): Change[] {
  const open: Node = { ...node, schedulability: 'open', pool: 'standby' }
  const { condition, reason } = conditionOf(open, observed, at.limits, at.nowMs)
  slots.put({ ...open, condition, why: reason })
  const emptied = fact(at, 'it runs nothing any more: it is a spare now')
  const { schedulability, pool } = open
  const changes: Change[] = [
    { kind: 'node-schedulability', node: node.id, schedulability, pool, ...emptied },
  ]
  if (condition === node.condition) return changes
  return [...changes, { kind: 'node-condition', node: node.id, condition, ...fact(at, reason) }]
}
