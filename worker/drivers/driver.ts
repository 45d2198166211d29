import type { Capacity, DriverName, ReplicaId } from '../../shared/model.ts'
import type { AssignedReplica } from '../../shared/protocol.ts'
import type { LogLine, StartProgress } from '../../shared/stream-protocol.ts'

/** What runs replicas on this machine. Each driver touches only what it started itself. */
export interface Driver {
  readonly name: DriverName
  /** What this machine offers to replicas; rejects with one sentence when nothing can run here. */
  capacity(): Promise<Capacity>
  /** Why nothing can be started or stopped now, in one sentence; undefined while all is well. */
  readonly trouble: string | undefined
  /** The directory of this machine in which it keeps images and volumes, once that is known. */
  readonly storage: string | undefined
  /**
   * Starts a replica and answers once it runs; it may not serve yet. Whatever a start that failed
   * or was aborted has made is undone, at the latest when `list` finds it.
   */
  start(order: StartOrder, signal: AbortSignal): Promise<Running>
  /** Asks it to end, waits up to the grace, then forces it. No error when it is gone already. */
  stop(replica: ReplicaId, graceMs: number): Promise<void>
  /** Everything of ours on this machine, also what an earlier life of this worker started. */
  list(): Promise<Found>
  /** Tells news as they happen, until the signal aborts. */
  watch(hear: (news: News) => void, signal: AbortSignal): Promise<void>
  /** What it used lately; undefined when that is not known yet. */
  stats(replica: ReplicaId): Promise<ReplicaStats | undefined>
  /** What the runtime itself thinks of its health, without asking anybody. */
  opinion(replica: ReplicaId): Opinion
  /** Runs a health command inside the replica. */
  exec(replica: ReplicaId, command: readonly string[], timeoutMs: number): Promise<ExecResult>
  /** What it printed, also after it has ended; with `follow` until the replica ends. */
  logs(replica: ReplicaId, asked: LogsAsked, signal: AbortSignal): AsyncIterable<LogLine>
  /** Runs a command inside the replica for somebody who watches. */
  open(replica: ReplicaId, asked: ExecAsked, signal: AbortSignal): Promise<ExecSession>
  close(): Promise<void>
}

export interface StartOrder {
  readonly assigned: AssignedReplica
  /** The port of this machine at which the replica is reached. */
  readonly port: number
  readonly onProgress: (progress: StartProgress) => void
}

/** A replica that lives on this machine. */
export interface Running {
  readonly replica: ReplicaId
  readonly port: number
  /** A process id, a container id. */
  readonly handle: string
  readonly startedAtMs: number
  readonly assigned: AssignedReplica
  /** Of the master for which it was started; undefined when that was not written down. */
  readonly epoch?: number
}

/** What is left of a replica that ended while nobody watched. */
export interface Ended {
  readonly replica: ReplicaId
  readonly handle: string
  readonly assigned: AssignedReplica
  readonly reason: string
}

export interface Found {
  readonly running: readonly Running[]
  readonly ended: readonly Ended[]
}

export interface Exit {
  readonly replica: ReplicaId
  readonly handle: string
  /** One sentence: `exited with code 1`, `killed by SIGKILL`. */
  readonly reason: string
}

export type News =
  | ({ readonly kind: 'exit' } & Exit)
  /** The runtime changed its opinion of this replica. */
  | { readonly kind: 'opinion'; readonly replica: ReplicaId }
  /** `trouble` came or went. */
  | { readonly kind: 'trouble' }
  /** Something may have happened unseen: only a full `list` can tell. */
  | { readonly kind: 'missed' }

/** `none`: it has no opinion, whoever wants one asks the replica itself. */
export type Opinion =
  | { readonly kind: 'none' }
  | { readonly kind: 'well' }
  | { readonly kind: 'starting'; readonly reason: string }
  | { readonly kind: 'ill'; readonly reason: string }

export interface ReplicaStats {
  /** 100 is one whole CPU. */
  readonly cpuPercent: number
  readonly memoryMb: number
  /** Totals of this run. */
  readonly networkInBytes?: number
  readonly networkOutBytes?: number
  readonly diskReadBytes?: number
  readonly diskWriteBytes?: number
}

export interface ExecResult {
  readonly code: number
  readonly output: string
}

export interface LogsAsked {
  readonly follow: boolean
  /** Only the last so many lines of what is there; undefined: all of it. */
  readonly tail?: number
  readonly sinceMs?: number
}

export interface TerminalSize {
  readonly columns: number
  readonly rows: number
}

export interface ExecAsked {
  readonly command: readonly string[]
  /** With a terminal everything it prints comes as standard output. */
  readonly terminal?: TerminalSize
}

/** A command that runs inside a replica while somebody watches. */
export interface ExecSession {
  /** Ends when the command does; what is not taken is not read from it. */
  readonly output: AsyncIterable<ExecOutput>
  /** Resolves when the command's side took it. */
  write(bytes: Uint8Array): Promise<void>
  endInput(): void
  resize(size: TerminalSize): Promise<void>
  /** The exit code, once all output was taken. */
  readonly exited: Promise<number>
  /** Ends the command, if it can be ended, and lets go. */
  close(): void
}

export interface ExecOutput {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Uint8Array
}
