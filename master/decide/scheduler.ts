import type { Node, NodeId, ServiceSpec } from '../../shared/model.ts'

/** What placement knows of one node. */
export interface Slot {
  readonly node: Node
  /** Why the node is in its condition. */
  readonly why: string
  /** Why its worker can start nothing now. */
  readonly trouble?: string
  readonly cpuPercent: number
  readonly memoryPercent: number
  readonly cpuReserved: number
  readonly memoryReservedMb: number
  readonly replicas: number
  /** Replicas of the service in question. */
  readonly ofService: number
  readonly hostPorts: ReadonlySet<number>
}

export type Placement =
  | { readonly kind: 'placed'; readonly node: NodeId; readonly reason: string }
  | { readonly kind: 'nowhere'; readonly reason: string }

/**
 * The best node for one more replica, or one sentence about why there is none. Where it could not
 * be started, the longest ago first, is better than nowhere.
 */
export function place(
  spec: ServiceSpec,
  slots: readonly Slot[],
  failedOn: readonly NodeId[] = [],
): Placement {
  const fitting = slots.filter((slot) => objection(spec, slot) === undefined)
  const failed = (slot: Slot): number => failedOn.indexOf(slot.node.id)
  const best = fitting.sort((a, b) => failed(a) - failed(b) || byRank(a, b))[0]
  if (best === undefined) return { kind: 'nowhere', reason: nowhere(spec, slots) }
  return { kind: 'placed', node: best.node.id, reason: praise(best) }
}

/** Why a node cannot take the replica; undefined when it can. */
export function objection(spec: ServiceSpec, slot: Slot): string | undefined {
  const { node } = slot
  const { cpuReserved, memoryReservedMb } = spec.resources
  if (node.pool !== 'platform') return `${node.name} is a spare`
  if (node.condition !== 'ready') return unready(slot)
  const unable = inability(spec, node)
  if (unable !== undefined) return unable
  if (spec.hostPort !== undefined && slot.hostPorts.has(spec.hostPort)) {
    return `port ${spec.hostPort} is taken on ${node.name}`
  }
  const cpuFree = node.capacity.cpus - slot.cpuReserved
  if (cpuReserved > cpuFree + ROUNDING) {
    return `needs ${cpuReserved} CPU, ${node.name} has ${rounded(cpuFree)} free`
  }
  const memoryFree = node.capacity.memoryMb - slot.memoryReservedMb
  if (memoryReservedMb > memoryFree + ROUNDING) {
    return `needs ${memoryReservedMb} MB, ${node.name} has ${Math.floor(memoryFree)} MB free`
  }
  return undefined
}

/** Only what stays the same from plan to plan: each new reason is told to the world. */
function unready({ node: { name, condition }, why, trouble }: Slot): string {
  if (condition !== 'busy') return `${name} is ${condition}`
  return trouble === undefined ? `${name} is busy: ${why}` : `${name}: ${trouble}`
}

/** What no waiting changes: a node of this kind cannot run it. */
function inability(spec: ServiceSpec, { name, driver }: Node): string | undefined {
  const { image, command, volumes, user } = spec
  if (driver === 'docker') {
    return image === undefined ? `${name} runs containers, and no image is given` : undefined
  }
  if (command.length === 0) return `${name} runs processes, and no command is given`
  if (volumes.length > 0) return `${name} runs processes, which have no volumes`
  if (user !== undefined) return `${name} runs processes, all as the same user`
  return undefined
}

const ROUNDING = 1e-9
const OBJECTIONS_SHOWN = 5

/** Spread the service first; then the numerically least CPU + RAM in use; then fewest replicas. */
function byRank(a: Slot, b: Slot): number {
  return (
    a.ofService - b.ofService ||
    loadOf(a) - loadOf(b) ||
    a.replicas - b.replicas ||
    (a.node.name < b.node.name ? -1 : 1)
  )
}

function loadOf(slot: Slot): number {
  return slot.cpuPercent + slot.memoryPercent
}

function praise({ node, ofService, cpuPercent, memoryPercent }: Slot): string {
  const load = `${Math.round(cpuPercent)} % CPU and ${Math.round(memoryPercent)} % RAM in use`
  return `${node.name} runs ${ofService} of it, with ${load}`
}

function nowhere(spec: ServiceSpec, slots: readonly Slot[]): string {
  if (slots.length === 0) return 'there is no worker: start one'
  const objections = slots.map((slot) => objection(spec, slot)).filter((text) => text !== undefined)
  const rest = objections.length - OBJECTIONS_SHOWN
  const more = rest > 0 ? `; and ${rest} more` : ''
  return `no worker can take it: ${objections.slice(0, OBJECTIONS_SHOWN).join('; ')}${more}`
}

function rounded(value: number): string {
  return String(Math.round(value * 100) / 100)
}
