import type { DriverName, ReplicaId } from '../../shared/model.ts'
import type { AssignedReplica } from '../../shared/protocol.ts'

/** What runs replicas on this machine. Each driver touches only what it started itself. */
export interface Driver {
  readonly name: DriverName
  /** Starts a replica on the given port and answers once it runs; it may not serve yet. */
  start(replica: AssignedReplica, port: number, signal: AbortSignal): Promise<Running>
  /** Asks it to end, waits up to the grace, then forces it. No error when it is gone already. */
  stop(replica: ReplicaId, graceMs: number): Promise<void>
  /** Everything of ours on this machine, also what an earlier life of this worker started. */
  list(): Promise<readonly Running[]>
  /** Tells of exits as they happen, until the signal aborts; a full `list` covers what it missed. */
  watch(onExit: (exit: Exit) => void, signal: AbortSignal): Promise<void>
  stats(replica: ReplicaId): Promise<ReplicaStats | undefined>
  /** Runs a health command inside the replica. */
  exec(replica: ReplicaId, command: readonly string[], timeoutMs: number): Promise<ExecResult>
}

/** A replica that lives on this machine. */
export interface Running {
  readonly replica: ReplicaId
  readonly service: string
  readonly serviceName: string
  readonly revision: number
  /** The highest epoch whose assignments this worker obeyed when it was started. */
  readonly port: number
  /** A process id, a container id. */
  readonly handle: string
  readonly startedAtMs: number
  readonly assigned: AssignedReplica
}

export interface Exit {
  readonly replica: ReplicaId
  readonly handle: string
  /** One sentence: `exited with code 1`, `killed by SIGKILL`. */
  readonly reason: string
}

export interface ReplicaStats {
  readonly cpuPercent: number
  readonly memoryMb: number
}

export interface ExecResult {
  readonly code: number
  readonly output: string
}
