import type { Phase, ReplicaId } from '../../shared/model.ts'
import type { AssignedReplica } from '../../shared/protocol.ts'
import { mayRestart, type RestartHistory, type RestartLimits } from './restart.ts'

/** What this node should run, and how sure that is. */
export interface Wanted {
  readonly replicas: ReadonlyMap<ReplicaId, AssignedReplica>
  /**
   * Whether a master said so in this life of the worker. Before, the set is what an earlier life
   * remembered: enough to start from, never enough to stop anything.
   */
  readonly heard: boolean
}

/** What the worker knows of one replica on this machine. */
export interface Standing {
  /** `busy`: a start or a stop is under way. */
  readonly run: 'dead' | 'busy' | 'alive'
  readonly phase: Phase['kind']
  /** When this run began; while it is alive. */
  readonly startedAtMs: number
  readonly history: RestartHistory
  /** Why it must be restarted. */
  readonly sickness?: string
  /** What its last bad probe saw. */
  readonly symptom: string
}

export type Action =
  | { readonly kind: 'start'; readonly replica: ReplicaId; readonly reason: string }
  | { readonly kind: 'wait'; readonly replica: ReplicaId; readonly reason: string }
  | { readonly kind: 'restart'; readonly replica: ReplicaId; readonly reason: string }
  | { readonly kind: 'fail'; readonly replica: ReplicaId; readonly reason: string }
  | { readonly kind: 'stop'; readonly replica: ReplicaId; readonly reason: string }
  | { readonly kind: 'forget'; readonly replica: ReplicaId; readonly reason: string }

/** What brings this machine from what runs to what should run. */
export function converge(
  wanted: Wanted,
  standings: ReadonlyMap<ReplicaId, Standing>,
  limits: RestartLimits,
  nowMs: number,
): readonly Action[] {
  const actions: Action[] = []
  for (const [replica, assigned] of wanted.replicas) {
    const standing = standings.get(replica)
    if (standing === undefined) actions.push(first(assigned))
    else actions.push(...keep(assigned, standing, limits, nowMs))
  }
  for (const [replica, standing] of standings) {
    if (!wanted.replicas.has(replica)) actions.push(...drop(replica, standing, wanted.heard))
  }
  return actions
}

const LEAVING = 'it was leaving and is not started again'

function first({ replica, draining }: AssignedReplica): Action {
  if (draining) return { kind: 'fail', replica, reason: LEAVING }
  return { kind: 'start', replica, reason: 'assigned' }
}

function keep(
  assigned: AssignedReplica,
  standing: Standing,
  limits: RestartLimits,
  nowMs: number,
): Action[] {
  const { replica } = assigned
  if (standing.run === 'busy') return []
  if (standing.run === 'alive') return tend(assigned, standing, nowMs)
  if (standing.phase === 'failed') return []
  const { history } = standing
  if (assigned.draining) {
    const reason = history.deaths === 0 ? LEAVING : `${history.reason} while it was leaving`
    return [{ kind: 'fail', replica, reason }]
  }
  const { kind, reason } = mayRestart(history, limits, nowMs)
  return [{ kind, replica, reason }]
}

function tend(assigned: AssignedReplica, standing: Standing, nowMs: number): Action[] {
  const { replica, health } = assigned
  const { sickness } = standing
  if (sickness !== undefined) return [{ kind: 'restart', replica, reason: sickness }]
  const startingMs = nowMs - standing.startedAtMs
  if (standing.phase !== 'starting' || startingMs < health.startMaxMs) return []
  const late = `it did not pass its health check within ${health.startMaxMs / 1000} s`
  return [{ kind: 'fail', replica, reason: `${late}: ${standing.symptom}` }]
}

function drop(replica: ReplicaId, standing: Standing, heard: boolean): Action[] {
  if (standing.run === 'busy' || !heard) return []
  if (standing.run === 'dead') return [{ kind: 'forget', replica, reason: 'it ended' }]
  return [{ kind: 'stop', replica, reason: 'it is no longer assigned to this node' }]
}
