import type { Node, Replica, Service } from '../../shared/model.ts'
import type { ReplicaReport } from '../../shared/protocol.ts'
import { templateOf } from './desired.ts'
import type { Limits } from './limits.ts'
import type { Observed } from './observed.ts'

/** A replica with what is known about it now. */
export interface Seen {
  readonly replica: Replica
  readonly node?: Node
  readonly report?: ReplicaReport
  readonly serving: boolean
}

export type Loss =
  | { readonly kind: 'node-gone'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

/** Whether the replica is gone for good where it was placed, and why. */
export function lossOf(
  seen: Seen,
  service: Service | undefined,
  at: { readonly nowMs: number; readonly limits: Pick<Limits, 'startMarginMs'> },
): Loss | undefined {
  const { replica, node, report } = seen
  if (replica.node === undefined) return undefined
  if (node === undefined) return { kind: 'node-gone', reason: 'its node was removed' }
  if (node.condition === 'lost') return { kind: 'node-gone', reason: `node ${node.name} is lost` }
  if (report?.phase.kind === 'failed') {
    return { kind: 'failed', reason: `failed on ${node.name}: ${report.phase.reason}` }
  }
  if (service === undefined || report !== undefined || node.condition === 'suspect')
    return undefined
  const startMaxMs =
    templateOf(service, replica.revision).health.startMaxMs + at.limits.startMarginMs
  const waitedMs = at.nowMs - (replica.assignedAtMs ?? at.nowMs)
  if (waitedMs < startMaxMs) return undefined
  return { kind: 'failed', reason: `${node.name} did not start it within ${startMaxMs / 1000} s` }
}

export function see(
  replica: Replica,
  nodes: ReadonlyMap<string, Node>,
  observed: Pick<Observed, 'nodes'>,
): Seen {
  if (replica.node === undefined) return { replica, serving: false }
  const node = nodes.get(replica.node)
  const report = observed.nodes.get(replica.node)?.replicas.get(replica.id)
  return {
    replica,
    ...(node === undefined ? {} : { node }),
    ...(report === undefined ? {} : { report }),
    serving: report?.phase.kind === 'serving',
  }
}
