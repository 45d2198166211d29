import type { ReplicaId } from '../../shared/model.ts'
import type { Heartbeat, ReplicaReport } from '../../shared/protocol.ts'

export type Delta = Pick<Heartbeat, 'seq' | 'full' | 'replicas' | 'gone'>

/** Resource use wobbles all the time; smaller steps than these are not worth a message. */
const CPU_STEP_PERCENT = 5
const MEMORY_STEP_MB = 1
const MEMORY_STEP = 0.05
/** Totals only grow: the more there is, the more it takes to be told. */
const BYTES_STEP = 0.05
const BYTES_STEP_MIN = 1_000_000

/** Knows what the master has acknowledged, and so what the next heartbeat must say. */
export class ReportBook {
  #known: ReadonlyMap<ReplicaId, ReplicaReport> = new Map()
  #pending: ReadonlyMap<ReplicaId, ReplicaReport> = new Map()
  #full = true
  #seq = 0

  /** Every heartbeat has its own number, also one that repeats what a lost one said. */
  next(reports: ReadonlyMap<ReplicaId, ReplicaReport>): Delta {
    this.#seq += 1
    const full = this.#full
    const replicas = [...reports.values()].filter(
      (report) => full || differs(this.#known.get(report.replica), report),
    )
    const gone = full ? [] : [...this.#known.keys()].filter((replica) => !reports.has(replica))
    const told = new Map(full ? [] : [...this.#known].filter(([replica]) => reports.has(replica)))
    for (const report of replicas) told.set(report.replica, report)
    this.#pending = told
    // Until it is answered nobody knows what the master has: then only everything is safe.
    this.#full = true
    return { seq: this.#seq, full, replicas, gone }
  }

  acknowledge(answer: { readonly wantFull: boolean }): void {
    this.#known = this.#pending
    this.#full = answer.wantFull
  }

  /** The next heartbeat says everything: a new master, a new epoch, a new join. */
  startAfresh(): void {
    this.#full = true
  }
}

function differs(known: ReplicaReport | undefined, now: ReplicaReport): boolean {
  if (known === undefined) return true
  if (known.phase.kind !== now.phase.kind || known.phase.sinceMs !== now.phase.sinceMs) return true
  if (reasonOf(known) !== reasonOf(now) || known.port !== now.port) return true
  if (known.restarts !== now.restarts || known.handle !== now.handle) return true
  return STEPS.some(([figure, step]) => hasMoved(known[figure], now[figure], step))
}

/** How far a figure may move unsaid from what was said last. */
type Step = (said: number) => number

const cpu: Step = () => CPU_STEP_PERCENT
const memory: Step = (said) => Math.max(MEMORY_STEP_MB, said * MEMORY_STEP)
const bytes: Step = (said) => Math.max(BYTES_STEP_MIN, said * BYTES_STEP)

const STEPS = [
  ['cpuPercent', cpu],
  ['memoryMb', memory],
  ['networkInBytes', bytes],
  ['networkOutBytes', bytes],
  ['diskReadBytes', bytes],
  ['diskWriteBytes', bytes],
] as const

/** What becomes known is told at once, however little it is. */
function hasMoved(said: number | undefined, now: number | undefined, step: Step): boolean {
  if (said === undefined || now === undefined) return said !== now
  return Math.abs(now - said) >= step(said)
}

function reasonOf({ phase }: ReplicaReport): string {
  return 'reason' in phase ? phase.reason : ''
}
