import type { ReplicaState, ReplicaView } from '../../../shared/api.ts'
import type { Node, Replica, ServiceId } from '../../../shared/model.ts'
import type { ReplicaReport } from '../../../shared/protocol.ts'
import { templateOf } from '../../decide/desired.ts'
import { byPrefix, findReplica } from '../../decide/intents/find.ts'
import type { MasterSurface } from '../../surface.ts'
import { moment, tenths } from './moment.ts'

type Seen = Pick<MasterSurface, 'desired' | 'observed'>

export interface ReplicaFilter {
  readonly service?: ServiceId
  readonly node?: string
}

/** What should run, and what a worker still reports although it should not. */
export function replicaViews(seen: Seen, { service, node }: ReplicaFilter): ReplicaView[] {
  const { desired } = seen
  const wanted =
    service === undefined ? [...desired.replicas.values()] : desired.replicasOf(service)
  const views = [...wanted.map((replica) => replicaView(replica, seen)), ...leftovers(seen)]
  return views.filter(
    (view) =>
      (service === undefined || view.service === service) &&
      (node === undefined || view.node === node),
  )
}

export function findReplicaView(text: string, seen: Seen): ReplicaView {
  const { replicas } = seen.desired
  if (!replicas.has(text) && byPrefix(replicas, text) === undefined) {
    const left = new Map(leftovers(seen).map((view) => [view.id, view]))
    const leftover = left.get(text) ?? byPrefix(left, text)
    if (typeof leftover === 'object') return leftover
  }
  return replicaView(findReplica(seen.desired, text), seen)
}

export function replicaView(replica: Replica, seen: Seen): ReplicaView {
  const service = seen.desired.services.get(replica.service)
  const node = replica.node === undefined ? undefined : seen.desired.nodes.get(replica.node)
  const report = seen.observed.nodes.get(replica.node ?? '')?.replicas.get(replica.id)
  const spec = service === undefined ? undefined : templateOf(service, replica.revision)
  return {
    id: replica.id,
    service: replica.service,
    serviceName: spec?.name ?? replica.service,
    ...(spec?.image === undefined ? {} : { image: spec.image }),
    revision: replica.revision,
    ...(replica.node === undefined ? {} : { node: replica.node }),
    ...(node === undefined ? {} : { nodeName: node.name }),
    ...standing(replica, node, report, seen),
    ...reported(report, node),
    createdAt: moment(replica.createdAtMs),
  }
}

interface Standing {
  readonly state: ReplicaState
  readonly reason?: string
}

function standing(
  replica: Replica,
  node: Node | undefined,
  report: ReplicaReport | undefined,
  { observed }: Seen,
): Standing {
  if (replica.node === undefined) {
    return { state: 'pending', reason: replica.pendingReason ?? 'it waits for a place' }
  }
  if (replica.drainingSinceMs !== undefined) return { state: 'draining' }
  if (node === undefined) return { state: 'unknown', reason: 'its node was removed' }
  if (node.condition === 'lost') return { state: 'unknown', reason: `node ${node.name} is lost` }
  if (!observed.nodes.has(node.id)) {
    return { state: 'unknown', reason: `node ${node.name} has not reported to this master yet` }
  }
  if (report === undefined) return { state: 'assigned' }
  const { phase } = report
  return { state: phase.kind, ...('reason' in phase ? { reason: phase.reason } : {}) }
}

function reported(
  report: ReplicaReport | undefined,
  node: Node | undefined,
): Partial<ReplicaView> & Pick<ReplicaView, 'restarts'> {
  if (report === undefined) return { restarts: 0 }
  const { restarts, port, handle, cpuPercent, memoryMb } = report
  return {
    restarts,
    ...(port === undefined || node === undefined ? {} : { url: urlOf(node.address, port) }),
    ...(handle === undefined ? {} : { handle }),
    ...(cpuPercent === undefined ? {} : { cpuPercent: tenths(cpuPercent) }),
    ...(memoryMb === undefined ? {} : { memoryMb: tenths(memoryMb) }),
    ...totals(report),
  }
}

function totals(report: ReplicaReport): Partial<ReplicaView> {
  const { networkInBytes, networkOutBytes, diskReadBytes, diskWriteBytes } = report
  return {
    ...(networkInBytes === undefined ? {} : { networkInBytes }),
    ...(networkOutBytes === undefined ? {} : { networkOutBytes }),
    ...(diskReadBytes === undefined ? {} : { diskReadBytes }),
    ...(diskWriteBytes === undefined ? {} : { diskWriteBytes }),
  }
}

function urlOf(address: string, port: number): string {
  return address.includes(':') ? `http://[${address}]:${port}` : `http://${address}:${port}`
}

function leftovers({ desired, observed }: Seen): ReplicaView[] {
  const views: ReplicaView[] = []
  for (const [id, { replicas }] of observed.nodes) {
    const node = desired.nodes.get(id)
    for (const report of replicas.values()) {
      if (desired.replicas.has(report.replica)) continue
      views.push(leftover(report, id, node, desired.services.get(report.service)?.spec.name))
    }
  }
  return views
}

function leftover(
  report: ReplicaReport,
  nodeId: string,
  node: Node | undefined,
  serviceName = report.service,
): ReplicaView {
  const { replica: id, service, revision, phase } = report
  return {
    id,
    service,
    serviceName,
    revision,
    node: nodeId,
    ...(node === undefined ? {} : { nodeName: node.name }),
    ...(node?.condition === 'lost'
      ? { state: 'unknown', reason: `no longer wanted, but node ${node.name} is lost` }
      : { state: 'stopping', reason: 'it is no longer wanted' }),
    ...reported(report, node),
    createdAt: moment(phase.sinceMs),
  }
}
