import type { Replica, Service } from '../../shared/model.ts'
import type { Seen } from './standing.ts'

/** What a service's set of replicas still needs. */
export interface Steps {
  readonly add: number
  readonly addReason: string
  readonly drain: readonly { readonly replica: Replica; readonly reason: string }[]
}

/**
 * Brings the set to the wanted count. Replicas that must leave (an older template, a node that is
 * being emptied) go only when as many others serve: start first, then move the traffic, then stop.
 */
export function rollout(service: Service, live: readonly Seen[]): Steps {
  const wanted = service.removing === true ? 0 : service.replicas
  const lasting = live.filter((seen) => leavingReason(seen, service) === undefined)
  const leaving = live.filter((seen) => leavingReason(seen, service) !== undefined)
  const surplus = victims(lasting, lasting.length - wanted).map((seen) => ({
    replica: seen.replica,
    reason:
      service.removing === true
        ? 'the service is removed'
        : `${wanted} ${wanted === 1 ? 'is' : 'are'} wanted`,
  }))
  const add = Math.max(0, Math.min(wanted - lasting.length, surge(service, live, lasting)))
  const addReason =
    leaving.length > 0
      ? 'replaces one that leaves'
      : `${wanted} ${wanted === 1 ? 'is' : 'are'} wanted`
  return { add, addReason, drain: [...surplus, ...relieved(leaving, lasting, service, wanted)] }
}

/** Why a replica must be replaced although it is well. */
export function leavingReason(seen: Seen, service: Service): string | undefined {
  const { replica, node } = seen
  if (replica.revision !== service.revision) return `revision ${service.revision} replaces it`
  if (node?.schedulability === 'draining') return `node ${node.name} is being released`
  if (node?.schedulability === 'leaving') return `node ${node.name} leaves`
  return undefined
}

/** A new template starts one replica at a time; every other lack is filled at once. */
function surge(service: Service, live: readonly Seen[], lasting: readonly Seen[]): number {
  const updating = live.some((seen) => seen.replica.revision !== service.revision)
  if (!updating) return Number.POSITIVE_INFINITY
  return 1 - lasting.filter((seen) => !seen.serving).length
}

/** Leaving replicas that are no longer needed, because enough others serve. */
function relieved(
  leaving: readonly Seen[],
  lasting: readonly Seen[],
  service: Service,
  wanted: number,
): Steps['drain'] {
  const serving = lasting.filter((seen) => seen.serving).length
  const idle = leaving.filter((seen) => !seen.serving)
  const busy = leaving.filter((seen) => seen.serving)
  const spare = Math.max(0, serving + busy.length - wanted)
  const idleMayGo = serving >= wanted ? idle : []
  return [...idleMayGo, ...busy.slice(0, spare)].map((seen) => ({
    replica: seen.replica,
    reason: leavingReason(seen, service) ?? 'it leaves',
  }))
}

/** Who goes first: the pending, then those that do not serve, then the fullest node's newest. */
function victims(lasting: readonly Seen[], count: number): readonly Seen[] {
  if (count <= 0) return []
  const perNode = new Map<string, number>()
  for (const { replica } of lasting) {
    if (replica.node !== undefined) perNode.set(replica.node, (perNode.get(replica.node) ?? 0) + 1)
  }
  return [...lasting].sort((a, b) => byWorth(a, b, perNode)).slice(0, count)
}

function byWorth(a: Seen, b: Seen, perNode: ReadonlyMap<string, number>): number {
  const placed = Number(a.replica.node !== undefined) - Number(b.replica.node !== undefined)
  const serving = Number(a.serving) - Number(b.serving)
  const crowd = (perNode.get(b.replica.node ?? '') ?? 0) - (perNode.get(a.replica.node ?? '') ?? 0)
  const newer = b.replica.createdAtMs - a.replica.createdAtMs
  return placed || serving || crowd || newer || (a.replica.id < b.replica.id ? 1 : -1)
}
