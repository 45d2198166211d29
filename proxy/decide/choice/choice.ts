import type { ReplicaState } from '../replica-state.ts'
import type { Candidates } from './candidates.ts'

/** One way to choose among those that may be asked; undefined: better to wait. */
export interface Choice {
  pick(among: Candidates, nowMs: number, waiting: number): ReplicaState | undefined
}
