import type { NodeView } from '../../../shared/api.ts'
import type { Node } from '../../../shared/model.ts'
import type { MasterSurface } from '../../surface.ts'
import { moment, tenths } from './moment.ts'

type Seen = Pick<MasterSurface, 'desired' | 'observed'>

export function nodeView(node: Node, { desired, observed }: Seen): NodeView {
  const { id, name, address, driver, pool, condition, schedulability, capacity } = node
  return {
    id,
    name,
    address,
    driver,
    pool,
    condition,
    schedulability,
    cpus: capacity.cpus,
    memoryMb: capacity.memoryMb,
    replicas: desired.replicasOn(id).length,
    joinedAt: moment(node.joinedAtMs),
    ...lastSeen(id, observed),
  }
}

function lastSeen(id: string, observed: Seen['observed']): Partial<NodeView> {
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
