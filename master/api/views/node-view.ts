import type { NodeView } from '../../../shared/api.ts'
import type { Node } from '../../../shared/model.ts'
import { templateOf } from '../../decide/desired.ts'
import type { MasterSurface } from '../../surface.ts'
import { moment, tenths } from './moment.ts'

type Seen = Pick<MasterSurface, 'desired' | 'observed' | 'conditionOf'>

export function nodeView(node: Node, seen: Seen): NodeView {
  const { id, name, address, driver, pool, condition, schedulability, capacity } = node
  return {
    id,
    name,
    address,
    driver,
    pool,
    condition,
    schedulability,
    ...reasons(node, seen),
    cpus: capacity.cpus,
    memoryMb: capacity.memoryMb,
    ...allocated(id, seen),
    joinedAt: moment(node.joinedAtMs),
    ...lastSeen(id, seen),
  }
}

/** A condition that nobody was told of yet has its reason with it in the next plan. */
function reasons(node: Node, seen: Seen): Pick<NodeView, 'reason' | 'trouble'> {
  const { condition, reason } = seen.conditionOf(node)
  const trouble = seen.observed.nodes.get(node.id)?.trouble
  return {
    ...(condition === 'ready' || condition !== node.condition ? {} : { reason }),
    ...(trouble === undefined ? {} : { trouble }),
  }
}

type Allocated = Pick<NodeView, 'cpuReserved' | 'memoryReservedMb' | 'replicas'>

function allocated(id: string, { desired }: Seen): Allocated {
  const replicas = desired.replicasOn(id)
  let cpuReserved = 0
  let memoryReservedMb = 0
  for (const replica of replicas) {
    const service = desired.services.get(replica.service)
    if (service === undefined) continue
    const { resources } = templateOf(service, replica.revision)
    cpuReserved += resources.cpuReserved
    memoryReservedMb += resources.memoryReservedMb
  }
  return {
    cpuReserved: hundredths(cpuReserved),
    memoryReservedMb: tenths(memoryReservedMb),
    replicas: replicas.length,
  }
}

function lastSeen(id: string, { observed }: Seen): Partial<NodeView> {
  const seen = observed.nodes.get(id)
  if (seen === undefined) return {}
  const { cpuPercent, memoryPercent, diskPercent } = seen.load
  return {
    cpuPercent: tenths(cpuPercent),
    memoryPercent: tenths(memoryPercent),
    diskPercent: tenths(diskPercent),
    seenAt: moment(seen.seenAtMs),
  }
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
