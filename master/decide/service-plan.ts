import type { Change } from '../../shared/change.ts'
import type { Decision } from '../../shared/decision.ts'
import type { Replica, Service, StartFailures } from '../../shared/model.ts'
import { templateOf } from './desired.ts'
import { drained } from './drain.ts'
import type { ToPlace } from './placement-plan.ts'
import { rollout } from './rollout.ts'
import { adviceFor, type Judged, remembered, scalingInputs } from './scaling-plan.ts'
import { lossOf, type Seen, see } from './standing.ts'
import { fact, type World } from './world.ts'

export interface ServicePlan {
  readonly changes: readonly Change[]
  readonly toPlace: readonly ToPlace[]
}

/** What is known of one service before its count is decided. */
export interface Assessment extends Judged {
  readonly told: readonly Change[]
  readonly lost: Remaining
  readonly live: readonly Seen[]
}

export function assess(service: Service, world: World): Assessment {
  const { desired, observed, nodes } = world
  const all = desired.replicasOf(service.id).map((replica) => see(replica, nodes, observed))
  const lost = removeLost(all, service, world)
  const live = lost.kept.filter((seen) => seen.replica.drainingSinceMs === undefined)
  const inputs = service.removing === true ? {} : { inputs: scalingInputs(service, live, world) }
  return { service, told: tellPhases(all, world), lost, live, ...inputs }
}

/** The next changes of one service: losses, count, replacements, and what needs a place. */
export function planService(
  { service, told, lost, live }: Assessment,
  decision: Decision | undefined,
  world: World,
): ServicePlan {
  const { at } = world
  const changes: Change[] = [...told, ...lost.changes]
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
  changes.push(...relieveLost(lost.missing, live, scaled, world))
  const next = converge({ ...scaled, ...failuresOf(lost, service) }, live, lost.kept, world)
  changes.push(...next.changes)
  return { changes, toPlace: next.toPlace }
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
  /** On lost nodes: they count for nothing, but stay until others serve in their place. */
  readonly missing: readonly Seen[]
  readonly failures?: StartFailures
}

/** Removes what is gone for good or has drained; failed starts are counted to slow repetition. */
function removeLost(all: readonly Seen[], service: Service, world: World): Remaining {
  const { at, observed, slots } = world
  const changes: Change[] = []
  const kept: Seen[] = []
  const missing: Seen[] = []
  let failures = service.failures
  for (const seen of all) {
    const loss = lossOf(seen, service, at)
    const reason = loss?.reason ?? drained(seen.replica, observed, at.limits, at.nowMs)
    if (reason === undefined) {
      kept.push(seen)
      continue
    }
    if (loss?.kind === 'node-lost' && mayComeBack(seen, service)) {
      missing.push(seen)
      continue
    }
    changes.push({ kind: 'replica-removed', replica: seen.replica.id, ...fact(at, reason) })
    freeSlot(seen.replica, service, slots)
    if (loss?.kind !== 'failed' || seen.replica.drainingSinceMs !== undefined) continue
    failures = failedOnce(failures, seen.replica, at.nowMs)
  }
  if (failures !== service.failures) {
    changes.push(failuresChange(service, failures, world, 'a replica could not be started'))
  } else if (failures !== undefined && isHealthyAgain(kept, service, world)) {
    failures = undefined
    changes.push(failuresChange(service, undefined, world, 'its replicas serve'))
  }
  return { changes, kept, missing, ...(failures === undefined ? {} : { failures }) }
}

/** Whether it would be welcome if its node were heard of again. */
function mayComeBack({ replica, node }: Seen, service: Service): boolean {
  if (service.removing === true || replica.drainingSinceMs !== undefined) return false
  if (replica.revision !== service.revision) return false
  return node?.schedulability === 'open' || node?.schedulability === 'cordoned'
}

/** Until as many serve elsewhere, a node that comes back finds its replicas wanted. */
function relieveLost(
  missing: readonly Seen[],
  live: readonly Seen[],
  { replicas }: Service,
  { at }: World,
): Change[] {
  if (live.filter(({ serving }) => serving).length < replicas) return []
  return missing.map(({ replica, node }) => {
    const reason = `node ${node?.name} is lost, and others serve in its place`
    return { kind: 'replica-removed', replica: replica.id, ...fact(at, reason) }
  })
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
  // The last one is where it failed last.
  const nodes = [...(before?.nodes ?? []).filter((id) => id !== replica.node), ...node]
  return { count: (before?.count ?? 0) + 1, lastAtMs: nowMs, nodes }
}

/** All it should have, of this revision, serves; and the last failure is not of this moment. */
function isHealthyAgain(kept: readonly Seen[], service: Service, { at }: World): boolean {
  const agoMs = at.nowMs - (service.failures?.lastAtMs ?? 0)
  const well = kept.filter((seen) => seen.serving && seen.replica.revision === service.revision)
  return agoMs >= at.limits.failureBackoffMs && well.length >= Math.max(1, service.replicas)
}

function freeSlot(replica: Replica, service: Service, slots: World['slots']): void {
  if (replica.node === undefined) return
  slots.free(replica.node, service.id, templateOf(service, replica.revision))
}

/** Drains the surplus; names what lacks a place. */
function converge(
  service: Service,
  live: readonly Seen[],
  kept: readonly Seen[],
  world: World,
): ServicePlan {
  const steps = rollout(service, live)
  const changes = steps.drain.map(({ replica, reason }) => retire(replica, reason, world))
  const leaving = new Set(steps.drain.map(({ replica }) => replica.id))
  const pending = live.filter(
    ({ replica }) => replica.node === undefined && !leaving.has(replica.id),
  )
  const toPlace: ToPlace[] = pending.map(({ replica }) => ({
    service,
    pending: replica,
    reason: '',
  }))
  if (mayStart(service, world)) {
    const missing = Math.max(0, steps.add)
    toPlace.push(...Array.from({ length: missing }, () => ({ service, reason: steps.addReason })))
  }
  return { changes: [...changes, ...finishRemoval(service, kept, changes, world)], toPlace }
}

/** A replica that can get no request is simply gone; one that serves gives up its traffic first. */
function retire(replica: Replica, reason: string, { at, observed }: World): Change {
  const leaving = { ...replica, drainingSinceMs: at.nowMs }
  const gone =
    replica.node === undefined || drained(leaving, observed, at.limits, at.nowMs) !== undefined
  const kind = gone ? 'replica-removed' : 'replica-draining'
  return { kind, replica: replica.id, ...fact(at, reason) }
}

/** A service that is being removed goes with its last replica. */
function finishRemoval(
  service: Service,
  kept: readonly Seen[],
  changes: readonly Change[],
  { at }: World,
): Change[] {
  const removed = changes.filter((change) => change.kind === 'replica-removed').length
  if (service.removing !== true || removed < kept.length) return []
  return [{ kind: 'service-removed', service: service.id, ...fact(at, 'it runs nothing any more') }]
}

function mayStart({ failures }: Service, { at }: World): boolean {
  if (failures === undefined || failures.count === 0) return true
  const { failureBackoffMs, failureBackoffMaxMs } = at.limits
  const waitMs = Math.min(failureBackoffMaxMs, failureBackoffMs * 2 ** (failures.count - 1))
  return at.nowMs - failures.lastAtMs >= waitMs
}
