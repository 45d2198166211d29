import type { Endpoint, Replica, RouteFragment, Service, ServiceSpec } from '../../shared/model.ts'
import type { DesiredView } from './desired.ts'
import type { Limits } from './limits.ts'
import { conditionOf } from './liveness.ts'
import type { Observed } from './observed.ts'

type RoutingLimits = Parameters<typeof conditionOf>[2] & Pick<Limits, 'lostAfterMs'>

/** The routing table: derived from what is promised and seen, never stored. */
export function routing(
  desired: DesiredView,
  observed: Observed,
  limits: RoutingLimits,
  nowMs: number,
): readonly RouteFragment[] {
  return [...desired.services.values()].map((service) => {
    const view = { desired, observed, limits, nowMs }
    const endpoints = endpointsOf(service, view)
    const { name, image, objective, routes } = service.spec
    return {
      service: service.id,
      name,
      ...(image === undefined ? {} : { image }),
      objective,
      routes,
      endpoints,
      ...balanceOf(service.spec),
      ...(endpoints.length > 0 ? {} : { absence: absenceOf(service, desired, observed) }),
      ...(endpoints.length === 0 && comes(service, view) ? { comes: true } : {}),
    }
  })
}

/** How requests are given out, as far as it is not what everybody does. */
function balanceOf({
  balance,
  concurrency,
}: ServiceSpec): Pick<RouteFragment, 'balance' | 'concurrency'> {
  const usual = balance.policy === 'queue' && balance.sticky === 'none'
  return {
    ...(usual ? {} : { balance }),
    ...(concurrency === undefined ? {} : { concurrency }),
  }
}

interface View {
  readonly desired: DesiredView
  readonly observed: Observed
  readonly limits: RoutingLimits
  readonly nowMs: number
}

/**
 * Serving replicas that nobody drains; those of a node that fell silent stay, marked. Those of a
 * lost one are asked only while there is nobody else: its containers may outlive their worker.
 */
function endpointsOf(service: Service, { desired, observed, limits, nowMs }: View): Endpoint[] {
  const endpoints: Endpoint[] = []
  const lastResort: Endpoint[] = []
  for (const replica of desired.replicasOf(service.id)) {
    const node = replica.node === undefined ? undefined : desired.nodes.get(replica.node)
    if (node === undefined || replica.drainingSinceMs !== undefined) continue
    const report = observed.nodes.get(node.id)?.replicas.get(replica.id)
    if (report?.phase.kind !== 'serving' || report.port === undefined) continue
    const { condition } = conditionOf(node, observed, limits, nowMs)
    const isLost = condition === 'lost'
    const into = isLost ? lastResort : endpoints
    into.push({
      replica: replica.id,
      node: node.id,
      host: node.address,
      port: report.port,
      suspect: isLost || condition === 'suspect',
    })
  }
  const asked = endpoints.length > 0 ? endpoints : lastResort
  return asked.sort((a, b) => (a.replica < b.replica ? -1 : 1))
}

/** Whether waiting makes sense: a replica starts, or does as soon as somebody asks. */
function comes(service: Service, view: View): boolean {
  const { spec, removing, replicas, failures } = service
  if (removing === true) return false
  if (replicas === 0) return spec.autoscale && spec.bounds.replicasMin === 0
  const live = view.desired
    .replicasOf(service.id)
    .filter(({ drainingSinceMs }) => drainingSinceMs === undefined)
  // What is wanted and not there yet is made by the next plan, unless making it failed.
  if (live.length === 0) return failures === undefined
  return live.some((replica) => isOnItsWay(replica, view))
}

function isOnItsWay(replica: Replica, { desired, observed, limits, nowMs }: View): boolean {
  if (replica.node === undefined) return replica.pendingReason === undefined
  const node = desired.nodes.get(replica.node)
  if (node === undefined) return false
  const seen = observed.nodes.get(node.id)
  const kind = seen?.replicas.get(replica.id)?.phase.kind ?? 'starting'
  return kind === 'starting' && conditionOf(node, observed, limits, nowMs).condition !== 'lost'
}

/** Why nothing serves, in one sentence for the client. */
function absenceOf(service: Service, desired: DesiredView, observed: Observed): string {
  const { name } = service.spec
  if (service.removing === true) return `"${name}" is being removed`
  const replicas = desired.replicasOf(service.id)
  if (replicas.length === 0 && service.replicas === 0) return `"${name}" is scaled to zero`
  const pending = replicas.find((replica) => replica.pendingReason !== undefined)
  if (pending !== undefined) return `"${name}" waits for a place: ${pending.pendingReason}`
  for (const replica of replicas) {
    const phase = observed.nodes.get(replica.node ?? '')?.replicas.get(replica.id)?.phase
    if (phase !== undefined && 'reason' in phase)
      return `"${name}" is ${phase.kind}: ${phase.reason}`
  }
  return `"${name}" is starting`
}
