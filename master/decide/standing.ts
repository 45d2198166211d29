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
  /** Since when, by this master's clock, it is in the phase that is reported. */
  readonly phaseSinceMs?: number
  /** Why the worker there can start and stop nothing now. */
  readonly trouble?: string
  readonly serving: boolean
}

export type Loss =
  | { readonly kind: 'node-gone'; readonly reason: string }
  /** It may well run on: only its worker is silent. */
  | { readonly kind: 'node-lost'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }

interface Moment {
  readonly nowMs: number
  readonly limits: Pick<Limits, 'startMarginMs'>
}

/** Whether the replica is gone for good where it was placed, and why. */
export function lossOf(seen: Seen, service: Service | undefined, at: Moment): Loss | undefined {
  const { replica, node, report } = seen
  if (replica.node === undefined) return undefined
  if (node === undefined) return { kind: 'node-gone', reason: 'its node was removed' }
  if (node.condition === 'lost') return { kind: 'node-lost', reason: `node ${node.name} is lost` }
  if (report?.phase.kind === 'failed') {
    return { kind: 'failed', reason: `failed on ${node.name}: ${report.phase.reason}` }
  }
  if (service === undefined || node.condition === 'suspect') return undefined
  const startMaxMs =
    templateOf(service, replica.revision).health.startMaxMs + at.limits.startMarginMs
  return report === undefined
    ? unmentioned(replica, node, startMaxMs, at.nowMs)
    : stuck(seen, node, startMaxMs + HUNG_START_MS, at.nowMs)
}

/** What a worker may need beyond the start itself, to pull an image and to give up. */
const HUNG_START_MS = 60_000

function unmentioned(
  replica: Replica,
  { name }: Node,
  maxMs: number,
  nowMs: number,
): Loss | undefined {
  if (nowMs - (replica.assignedAtMs ?? nowMs) < maxMs) return undefined
  return { kind: 'failed', reason: `${name} did not start it within ${maxMs / 1000} s` }
}

/** A worker gives up a start by itself, unless it is in trouble and cannot end anything. */
function stuck(
  { report, phaseSinceMs, trouble }: Seen,
  { name }: Node,
  maxMs: number,
  nowMs: number,
): Loss | undefined {
  if (report?.phase.kind !== 'starting' || trouble === undefined) return undefined
  if (nowMs - (phaseSinceMs ?? nowMs) < maxMs) return undefined
  return { kind: 'failed', reason: `not started on ${name} for ${maxMs / 1000} s: ${trouble}` }
}

export function see(
  replica: Replica,
  nodes: ReadonlyMap<string, Node>,
  observed: Pick<Observed, 'nodes'>,
): Seen {
  if (replica.node === undefined) return { replica, serving: false }
  const node = nodes.get(replica.node)
  const { replicas, phaseSinceMs, trouble } = observed.nodes.get(replica.node) ?? {}
  const report = replicas?.get(replica.id)
  const sinceMs = phaseSinceMs?.get(replica.id)
  return {
    replica,
    ...(node === undefined ? {} : { node }),
    ...(report === undefined ? {} : { report }),
    ...(sinceMs === undefined ? {} : { phaseSinceMs: sinceMs }),
    ...(trouble === undefined ? {} : { trouble }),
    // What a lost node said last is no longer news.
    serving: report?.phase.kind === 'serving' && node?.condition !== 'lost',
  }
}
