import type { Change } from '../../shared/change.ts'
import type { Replica, Service } from '../../shared/model.ts'
import { templateOf } from './desired.ts'
import { place } from './scheduler.ts'
import { fact, type World } from './world.ts'

/** A replica that needs a node: one that is pending, or one that does not exist yet. */
export interface ToPlace {
  readonly service: Service
  readonly pending?: Replica
  readonly reason: string
}

/** One after the other, so that each sees where the ones before it went. */
export function placeAll(toPlace: readonly ToPlace[], world: World): Change[] {
  return toPlace.flatMap(({ service, pending, reason }) =>
    pending === undefined ? add(service, reason, world) : assign(pending, service, world),
  )
}

function add(service: Service, reason: string, { at, slots }: World): Change[] {
  const { id, revision, spec, failures } = service
  const replica: Replica = { id: at.newId(), service: id, revision, createdAtMs: at.nowMs }
  const placement = place(spec, slots.for(id), failures?.nodes)
  if (placement.kind === 'nowhere') {
    const waiting = { ...replica, pendingReason: placement.reason }
    return [{ kind: 'replica-added', replica: waiting, ...fact(at, reason) }]
  }
  slots.take(placement.node, id, spec)
  const placed = { ...replica, node: placement.node, assignedAtMs: at.nowMs }
  return [{ kind: 'replica-added', replica: placed, ...fact(at, `${reason}; ${placement.reason}`) }]
}

function assign(replica: Replica, service: Service, { at, slots }: World): Change[] {
  const spec = templateOf(service, replica.revision)
  const placement = place(spec, slots.for(service.id), service.failures?.nodes)
  const cause = fact(at, placement.reason)
  if (placement.kind === 'placed') {
    slots.take(placement.node, service.id, spec)
    return [{ kind: 'replica-assigned', replica: replica.id, node: placement.node, ...cause }]
  }
  if (placement.reason === replica.pendingReason) return []
  return [{ kind: 'replica-pending', replica: replica.id, ...cause }]
}
