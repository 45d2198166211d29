import type { Change } from '../../shared/change.ts'
import type { Decision, ScalingInputs } from '../../shared/decision.ts'
import type { Service, ServiceId } from '../../shared/model.ts'
import { autoscale, rateOf } from './autoscaler/autoscale.ts'
import type { Limits } from './limits.ts'
import type { Seen } from './standing.ts'
import { fact, type World } from './world.ts'

/** A service and what its count is decided from; nothing when it is on its way out. */
export interface Judged {
  readonly service: Service
  readonly inputs?: ScalingInputs
}

/** One decision for each service; together they keep to the most replicas of the cluster. */
export function decideAll(
  judged: readonly Judged[],
  limits: Limits,
): ReadonlyMap<ServiceId, Decision> {
  const free = judged.flatMap(({ service, inputs }) =>
    inputs === undefined ? [] : [autoscale(service.id, inputs, limits)],
  )
  const decisions = new Map(free.map((decision) => [decision.service, decision]))
  let room = roomFor(free, limits)
  if (room === undefined) return decisions
  for (const { service, inputs } of free) {
    const bounded = autoscale(service, { ...inputs, room }, limits)
    room -= Math.max(0, bounded.replicas - inputs.replicas)
    decisions.set(service, bounded)
  }
  return decisions
}

/** What scales in makes room at once: else a plan would go on after its own changes. */
function roomFor(free: readonly Decision[], { replicasTotalMax }: Limits): number | undefined {
  if (replicasTotalMax === undefined) return undefined
  let room = replicasTotalMax
  for (const { replicas, inputs } of free) room -= Math.min(replicas, inputs.replicas)
  return Math.max(0, room)
}

export function scalingInputs(
  service: Service,
  live: readonly Seen[],
  world: World,
): ScalingInputs {
  const { observed, at, nodes } = world
  const { recent, before, windows, unmet } = observed.demandOf(service)
  const nodesUsed = new Set(live.flatMap(({ replica }) => replica.node ?? []))
  const open = [...nodes.values()].filter((node) => node.pool === 'platform')
  return {
    nowMs: at.nowMs,
    objective: service.spec.objective,
    bounds: service.spec.bounds,
    autoscale: service.spec.autoscale,
    replicas: service.replicas,
    serving: live.filter((seen) => seen.serving).length,
    starting: live.filter((seen) => !seen.serving).length,
    nodesReady: open.filter((node) => node.condition === 'ready').length,
    nodesUsed: nodesUsed.size,
    windows,
    complete: observed.demandComplete,
    ...(recent === undefined ? {} : { recent }),
    ...(before === undefined ? {} : { before }),
    ...(unmet === true ? { unmet } : {}),
    ...(service.scaling === undefined ? {} : { scaling: service.scaling }),
  }
}

/** The service with the decision carried out, and what must be remembered to judge it later. */
export function remembered(service: Service, decision: Decision): Service {
  if (decision.replicas === service.replicas) return service
  const up = decision.replicas > service.replicas
  const { recent } = decision.inputs
  const before =
    recent === undefined
      ? {}
      : {
          percentileBeforeMs: recent.percentileMs,
          ratePerReplicaBefore: rateOf(decision.inputs) / Math.max(1, service.replicas),
        }
  const scaling = {
    scaledAtMs: decision.atMs,
    direction: up ? ('up' as const) : ('down' as const),
    from: service.replicas,
    to: decision.replicas,
    holdMs: up ? holdAfterRegret(service, decision.atMs) : (service.scaling?.holdMs ?? 0),
    ...before,
  }
  return { ...service, replicas: decision.replicas, scaling }
}

const HOLD_FIRST_MS = 120_000
const HOLD_MAX_MS = 1_800_000
const REGRET_WITHIN_MS = 120_000

/** A scale-in that had to be taken back soon was too early: the next one waits twice as long. */
function holdAfterRegret({ scaling }: Service, nowMs: number): number {
  if (scaling === undefined) return 0
  const regretted = scaling.direction === 'down' && nowMs - scaling.scaledAtMs < REGRET_WITHIN_MS
  if (!regretted) return scaling.holdMs
  return Math.min(HOLD_MAX_MS, Math.max(HOLD_FIRST_MS, scaling.holdMs * 2))
}

/** Tells the operator what only he can do, once, and takes it back when it is no longer true. */
export function adviceFor(
  service: Service,
  decision: Decision | undefined,
  { at }: World,
): Change[] {
  const advice = decision === undefined ? undefined : adviceText(service, decision)
  if (advice === service.advice) return []
  const told = advice === undefined ? {} : { advice }
  const reason = advice ?? 'no longer needed'
  return [{ kind: 'service-advice', service: service.id, ...told, ...fact(at, reason) }]
}

const STILL_OVER = new Set(['over-objective', 'futile', 'at-maximum'])
const KEPT_WHILE = new Set([
  'unconfirmed',
  'waiting-for-effect',
  'waiting-for-start',
  'cooling-down',
])

function adviceText(service: Service, { rule, inputs }: Decision): string | undefined {
  const { nodesReady, nodesUsed, recent, objective } = inputs
  if (
    KEPT_WHILE.has(rule) &&
    recent !== undefined &&
    recent.percentileMs > objective.latencyTargetMs
  ) {
    return service.advice
  }
  if (rule === 'at-maximum' && inputs.room === 0 && inputs.replicas < inputs.bounds.replicasMax) {
    return `Raise --replicas-max: "${service.spec.name}" needs more than the cluster may have`
  }
  if (!STILL_OVER.has(rule) || nodesUsed < nodesReady) return undefined
  const workers = nodesReady === 1 ? 'the only worker' : `all ${nodesReady} workers`
  return `Add a worker: "${service.spec.name}" is over its objective on ${workers}`
}
