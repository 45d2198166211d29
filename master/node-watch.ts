import type { HostLoad, NodeId, ReplicaId } from '../shared/model.ts'
import type { Heartbeat, ReplicaReport } from '../shared/protocol.ts'
import type { NodeObservation } from './decide/observed.ts'

interface Watched {
  seenAtMs: number
  boot: string
  seq: number
  load: HostLoad
  replicas: Map<ReplicaId, ReplicaReport>
  assignments: number
  metricsPort?: number
}

/** One busy second says little about a machine: loads are averaged over about this long. */
const LOAD_MEMORY_MS = 5_000

/** What heartbeats told about every node. */
export class NodeWatch {
  readonly #nodes = new Map<NodeId, Watched>()

  get nodes(): ReadonlyMap<NodeId, NodeObservation & { readonly metricsPort?: number }> {
    return this.#nodes
  }

  /** Answers whether something other than load changed, and whether a full report is needed. */
  hear(node: NodeId, beat: Heartbeat, nowMs: number): { changed: boolean; wantFull: boolean } {
    const known = this.#nodes.get(node)
    const follows = known !== undefined && known.boot === beat.boot && beat.seq === known.seq + 1
    if (known?.boot === beat.boot && beat.seq <= known.seq)
      return { changed: false, wantFull: false }
    if (!beat.full && !follows) return { changed: false, wantFull: true }
    const replicas = beat.full
      ? new Map<ReplicaId, ReplicaReport>()
      : (known?.replicas ?? new Map())
    for (const report of beat.replicas) replicas.set(report.replica, report)
    for (const gone of beat.gone) replicas.delete(gone)
    this.#nodes.set(node, {
      seenAtMs: nowMs,
      boot: beat.boot,
      seq: beat.seq,
      load: known === undefined ? beat.load : averaged(known, beat.load, nowMs),
      replicas,
      assignments: beat.assignments,
      ...(beat.metricsPort === undefined ? {} : { metricsPort: beat.metricsPort }),
    })
    const changed = beat.full || beat.replicas.length > 0 || beat.gone.length > 0
    return { changed, wantFull: false }
  }

  forget(node: NodeId): void {
    this.#nodes.delete(node)
  }
}

function averaged(known: Watched, load: HostLoad, nowMs: number): HostLoad {
  const weight = 1 - Math.exp(-(nowMs - known.seenAtMs) / LOAD_MEMORY_MS)
  const mean = (before: number, now: number): number => before + (now - before) * weight
  return {
    ...load,
    cpuPercent: mean(known.load.cpuPercent, load.cpuPercent),
    memoryPercent: mean(known.load.memoryPercent, load.memoryPercent),
  }
}
