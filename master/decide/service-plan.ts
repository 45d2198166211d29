import type { Change, Replica, Service, StartFailures } from '../../shared/model.ts'
import { templateOf } from './desired.ts'
import { drained } from './drain.ts'
import { rollout } from './rollout.ts'
import { adviceFor, decide, remembered } from './scaling-plan.ts'
import { place } from './scheduler.ts'
import { lossOf, type Seen, see } from './standing.ts'
import { fact, type Plan, type World } from './world.ts'

/** The next changes of one service: losses, count, replacements, placement. */
export function planService(service: Service, world: World): Plan {
  const { desired, observed, at, nodes } = world
  const all = desired.replicasOf(service.id).map((replica) => see(replica, nodes, observed))
  const changes: Change[] = tellPhases(all, world)
  const lost = removeLost(all, service, world)
  changes.push(...lost.changes)
  const live = lost.kept.filter((seen) => seen.replica.drainingSinceMs === undefined)
  const decision = service.removing === true ? undefined : decide(service, live, world)
  const scaled = decision === undefined ? service : remembered(service, decision)
  if (decision !== undefined && scaled !== service) {
    const { replicas, scaling } = scaled
    const memory = scaling === undefined ? {} : { scaling }
    const cause = fact(at, decision.reason)
    changes.push({
      kind: 'service-scaled',
      service: service.id,
      replicas,
      ...memory,
      decision,
      ...cause,
    })
  }
  changes.push(...adviceFor(service, decision, world))
  changes.push(...converge({ ...scaled, ...failuresOf(lost, service) }, live, lost.kept, world))
  return { changes, decisions: decision === undefined ? [] : [decision] }
}

function tellPhases(all: readonly Seen[], { at }: World): Change[] {
  return all.flatMap(({ replica, report, node }): Change[] => {
    if (report === undefined || report.phase.kind === replica.phase) return []
    const { kind } = report.phase
    const where = node === undefined ? '' : ` on ${node.name}`
    const reason = 'reason' in report.phase ? report.phase.reason : `${kind}${where}`
    return [{ kind: 'replica-phase', replica: replica.id, phase: kind, ...fact(at, reason) }]
  })
}

interface Remaining {
  readonly changes: readonly Change[]
  readonly kept: readonly Seen[]
  readonly failures?: StartFailures
}

/** Removes what is gone for good or has drained; failed starts are counted to slow repetition. */
function removeLost(all: readonly Seen[], service: Service, world: World): Remaining {
  const { at, observed, slots } = world
  const changes: Change[] = []
  const kept: Seen[] = []
  let failures = service.failures
  for (const seen of all) {
    const loss = lossOf(seen, service, at)
    const reason = loss?.reason ?? drained(seen.replica, observed, at.limits, at.nowMs)
    if (reason === undefined) {
      kept.push(seen)
      continue
    }
    changes.push({ kind: 'replica-removed', replica: seen.replica.id, ...fact(at, reason) })
    freeSlot(seen.replica, service, slots)
    if (loss?.kind !== 'failed' || seen.replica.drainingSinceMs !== undefined) continue
    failures = failedOnce(failures, seen.replica, at.nowMs)
  }
  if (failures !== service.failures) {
    changes.push(failuresChange(service, failures, world, 'a replica could not be started'))
  } else if (failures !== undefined && isHealthyAgain(kept, service)) {
    failures = undefined
    changes.push(failuresChange(service, undefined, world, 'its replicas serve'))
  }
  return { changes, kept, ...(failures === undefined ? {} : { failures }) }
}

function failuresOf(remaining: Remaining, service: Service): { failures?: StartFailures } {
  if (remaining.failures !== undefined) return { failures: remaining.failures }
  return service.failures === undefined ? {} : { failures: NO_FAILURES }
}

const NO_FAILURES: StartFailures = { count: 0, lastAtMs: 0, nodes: [] }

function failuresChange(
  service: Service,
  failures: StartFailures | undefined,
  { at }: World,
  reason: string,
): Change {
  const value = failures === undefined ? {} : { failures }
  return { kind: 'service-failures', service: service.id, ...value, ...fact(at, reason) }
}

function failedOnce(
  before: StartFailures | undefined,
  replica: Replica,
  nowMs: number,
): StartFailures {
  const node = replica.node === undefined ? [] : [replica.node]
  const nodes = [...new Set([...(before?.nodes ?? []), ...node])]
  return { count: (before?.count ?? 0) + 1, lastAtMs: nowMs, nodes }
}

function isHealthyAgain(kept: readonly Seen[], service: Service): boolean {
  return kept.length > 0 && kept.every((seen) => seen.serving) && kept.length >= service.replicas
}

function freeSlot(replica: Replica, service: Service, slots: World['slots']): void {
  if (replica.node === undefined) return
  slots.free(replica.node, service.id, templateOf(service, replica.revision))
}

/** Drains the surplus, adds what lacks, places what has no node yet. */
function converge(
  service: Service,
  live: readonly Seen[],
  kept: readonly Seen[],
  world: World,
): Change[] {
  const { at } = world
  if (service.removing === true && kept.length === 0) {
    return [
      { kind: 'service-removed', service: service.id, ...fact(at, 'it runs nothing any more') },
    ]
  }
  const steps = rollout(service, live)
  const changes: Change[] = []
  for (const { replica, reason } of steps.drain) changes.push(...retire(replica, reason, world))
  const leaving = new Set(steps.drain.map(({ replica }) => replica.id))
  for (const { replica } of live) {
    if (replica.node !== undefined || leaving.has(replica.id)) continue
    changes.push(...placeOne(replica, service, world))
  }
  if (steps.add > 0 && mayStart(service, world)) {
    for (let added = 0; added < steps.add; added += 1) {
      changes.push(...addOne(service, steps.addReason, world))
    }
  }
  return changes
}

/** A replica that never ran is simply gone; one that serves gives up its traffic first. */
function retire(replica: Replica, reason: string, { at }: World): Change[] {
  const kind = replica.node === undefined ? 'replica-removed' : 'replica-draining'
  return [{ kind, replica: replica.id, ...fact(at, reason) }]
}

function mayStart({ failures }: Service, { at }: World): boolean {
  if (failures === undefined || failures.count === 0) return true
  const { failureBackoffMs, failureBackoffMaxMs } = at.limits
  const waitMs = Math.min(failureBackoffMaxMs, failureBackoffMs * 2 ** (failures.count - 1))
  return at.nowMs - failures.lastAtMs >= waitMs
}

function addOne(service: Service, reason: string, world: World): Change[] {
  const { at, slots } = world
  const added = {
    id: at.newId(),
    service: service.id,
    revision: service.revision,
    createdAtMs: at.nowMs,
  }
  const placement = place(service.spec, slots.for(service.id), service.failures?.nodes)
  const cause = fact(at, reason)
  if (placement.kind === 'nowhere') {
    const replica: Replica = { ...added, pendingReason: placement.reason }
    return [{ kind: 'replica-added', replica, ...cause }]
  }
  slots.take(placement.node, service.id, service.spec)
  const replica: Replica = { ...added, node: placement.node, assignedAtMs: at.nowMs }
  const why = fact(at, `${reason}; ${placement.reason}`)
  return [{ kind: 'replica-added', replica, ...why }]
}

function placeOne(replica: Replica, service: Service, world: World): Change[] {
  const { at, slots } = world
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
