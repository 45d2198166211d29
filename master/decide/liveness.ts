import type { Condition, Node } from '../../shared/model.ts'
import type { Limits } from './limits.ts'
import type { NodeObservation, Observed } from './observed.ts'

export interface Verdict {
  readonly condition: Condition
  readonly reason: string
}

export type LivenessLimits = Pick<
  Limits,
  'suspectAfterMs' | 'lostAfterMs' | 'busyCpuPercent' | 'busyMemoryPercent' | 'busyDiskPercent'
>

/** The one word for a node's state. What was told last stays true until something was seen. */
export function conditionOf(
  node: Node,
  observed: Pick<Observed, 'sinceMs' | 'nodes'>,
  limits: LivenessLimits,
  nowMs: number,
): Verdict {
  const seen = observed.nodes.get(node.id)
  const silentMs = nowMs - (seen?.seenAtMs ?? Math.max(observed.sinceMs, node.joinedAtMs))
  if (silentMs >= limits.lostAfterMs) return verdict('lost', `silent for ${seconds(silentMs)}`)
  if (seen === undefined) return verdict(node.condition, 'not seen since this master started')
  if (silentMs >= limits.suspectAfterMs)
    return verdict('suspect', `silent for ${seconds(silentMs)}`)
  if (node.schedulability === 'draining') return verdict('draining', 'its replicas move away')
  if (node.schedulability === 'leaving') return verdict('draining', 'it leaves the cluster')
  if (node.schedulability === 'cordoned') return verdict('cordoned', 'it takes nothing new')
  if (seen.trouble !== undefined) return verdict('busy', seen.trouble)
  return overload(seen, limits) ?? verdict('ready', 'it reports in time')
}

/** Whether every node has reported to this master or is lost: before, absence means nothing. */
export function isSettled(
  nodes: Iterable<Node>,
  observed: Pick<Observed, 'sinceMs' | 'nodes'>,
  limits: Pick<Limits, 'lostAfterMs'>,
  nowMs: number,
): boolean {
  if (nowMs - observed.sinceMs >= limits.lostAfterMs) return true
  for (const node of nodes) {
    if (node.condition !== 'lost' && !observed.nodes.has(node.id)) return false
  }
  return true
}

/** A limit of 100 is none: a machine may be used up to the last percent. */
function overload({ load }: NodeObservation, limits: LivenessLimits): Verdict | undefined {
  const uses = [
    { what: 'CPU', percent: load.cpuPercent, limit: limits.busyCpuPercent },
    { what: 'memory', percent: load.memoryPercent, limit: limits.busyMemoryPercent },
    { what: 'disk', percent: load.diskPercent, limit: limits.busyDiskPercent },
  ]
  const over = uses.find(({ percent, limit }) => limit < 100 && percent >= limit)
  return over && verdict('busy', `${over.what} at or over ${over.limit} %`)
}

function verdict(condition: Condition, reason: string): Verdict {
  return { condition, reason }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
