import type { ReplicaId } from '../../shared/model.ts'
import type { Standing } from './converge.ts'

/** One run of a replica as the runtime lists it. */
export interface Sighting {
  readonly replica: ReplicaId
  readonly handle: string
}

export interface Leftover extends Sighting {
  readonly reason: string
}

export interface Inventory {
  readonly running: readonly Sighting[]
  readonly ended: readonly Leftover[]
}

/** What the worker held true when it asked for the inventory, and still does. */
export interface Belief {
  readonly run: Standing['run']
  /** Of the run that is alive. */
  readonly handle?: string
}

export interface Findings {
  /** They ended, and nobody told. */
  readonly missed: readonly Leftover[]
  /** They run or lie there, and nobody wants them: a late start, a removal that failed. */
  readonly strays: readonly ReplicaId[]
}

/** Compares what the runtime has with what the worker believes of it. */
export function reconcile(
  { running, ended }: Inventory,
  beliefs: ReadonlyMap<ReplicaId, Belief>,
): Findings {
  const runs = new Set(running.map(({ handle }) => handle))
  const reasons = new Map(ended.map(({ handle, reason }) => [handle, reason]))
  const missed: Leftover[] = []
  for (const [replica, { run, handle }] of beliefs) {
    if (run !== 'alive' || handle === undefined || runs.has(handle)) continue
    missed.push({ replica, handle, reason: reasons.get(handle) ?? 'it vanished' })
  }
  const isStray = ({ replica }: Sighting): boolean => {
    const run = beliefs.get(replica)?.run
    return run === undefined || run === 'dead'
  }
  // What is left of a replica that this worker knows is kept for whoever asks what it printed.
  const forgotten = ended.filter(({ replica }) => !beliefs.has(replica))
  const strays = [...running.filter(isStray), ...forgotten].map(({ replica }) => replica)
  return { missed, strays: [...new Set(strays)] }
}
