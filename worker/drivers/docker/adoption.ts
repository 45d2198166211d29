/** Everything of this node that the engine has: what runs goes on untouched. */
import type { Log } from '../../../shared/log.ts'
import type { NodeId, ReplicaId } from '../../../shared/model.ts'
import type { Ended, Found, Running } from '../driver.ts'
import type { Containers } from './containers.ts'
import { type DepartureParts, whyEnded } from './departure.ts'
import { Gate } from './gate.ts'
import { type Inspected, isRunning } from './inspected.ts'
import { type Origin, originOf } from './labels.ts'

export interface AdoptionParts extends DepartureParts {
  readonly containers: Containers
  readonly log: Log
  /** What is being started or stopped right now is no find. */
  readonly isBusy: (replica: ReplicaId) => boolean
}

export interface Findings extends Found {
  readonly looks: ReadonlyMap<ReplicaId, Inspected>
}

/** The last line of each is read. */
const ENDS_AT_ONCE = 8

type Ours = Extract<Origin, { kind: 'ours' }>

export async function findAll(parts: AdoptionParts, node: NodeId): Promise<Findings> {
  const running: Running[] = []
  const dead: Promise<Ended>[] = []
  const gate = new Gate(ENDS_AT_ONCE)
  const looks = new Map<ReplicaId, Inspected>()
  for (const inspected of await parts.containers.ofNode(node)) {
    const origin = originOf(inspected.labels, inspected.environment, node)
    if (origin.kind === 'damaged') await discard(parts, inspected, origin.reason)
    if (origin.kind !== 'ours') continue
    const { replica } = origin.assigned
    if (isRunning(inspected)) {
      running.push(runningOf(origin, inspected))
      looks.set(replica, inspected)
    } else if (!parts.isBusy(replica)) {
      dead.push(gate.run(() => endedOf(parts, origin, inspected)))
    }
  }
  const ended = await Promise.all(dead)
  return { running, looks, ended: ended.filter(({ replica }) => !looks.has(replica)) }
}

export function runningOf({ assigned, port, epoch }: Ours, { id, state }: Inspected): Running {
  const startedAtMs = Date.parse(state.StartedAt)
  const running = { replica: assigned.replica, port, handle: id, startedAtMs, assigned }
  return epoch === undefined ? running : { ...running, epoch }
}

async function endedOf(
  parts: AdoptionParts,
  { assigned }: Ours,
  inspected: Inspected,
): Promise<Ended> {
  const reason = await whyEnded(parts, inspected)
  return { replica: assigned.replica, handle: inspected.id, assigned, reason }
}

/** It says that it is ours, but not what it is. */
async function discard(parts: AdoptionParts, inspected: Inspected, reason: string): Promise<void> {
  const { id, name } = inspected
  const isKept = isRunning(inspected)
  const fate = isKept ? 'left alone, as it runs' : 'removed'
  parts.log.error('damaged container', { container: name, id, reason, fate })
  if (!isKept) await parts.containers.remove(id)
}
