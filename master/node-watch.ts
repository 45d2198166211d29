import type { HostLoad, NodeId, ReplicaId } from '../shared/model.ts'
import type { Heartbeat, ReplicaReport } from '../shared/protocol.ts'
import type { NodeObservation } from './decide/observed.ts'

interface Watched {
  seenAtMs: number
  boot: string
  seq: number
  load: HostLoad
  replicas: Map<ReplicaId, ReplicaReport>
  phaseSinceMs: Map<ReplicaId, number>
  assignments: number
  metricsPort?: number
  trouble?: string
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
    const { replicas, phaseSinceMs } = merged(known, beat, nowMs)
    const { metricsPort, trouble } = beat
    this.#nodes.set(node, {
      seenAtMs: nowMs,
      boot: beat.boot,
      seq: beat.seq,
      load: known === undefined ? beat.load : averaged(known, beat.load, nowMs),
      replicas,
      phaseSinceMs,
      assignments: beat.assignments,
      ...(metricsPort === undefined ? {} : { metricsPort }),
      ...(trouble === undefined ? {} : { trouble }),
    })
    const told = beat.full || beat.replicas.length > 0 || beat.gone.length > 0
    return { changed: told || trouble !== known?.trouble, wantFull: false }
  }

  forget(node: NodeId): void {
    this.#nodes.delete(node)
  }
}

type Replicas = Pick<Watched, 'replicas' | 'phaseSinceMs'>

/** The worker's clock may be another one: how long a phase lasts is measured by ours. */
function merged(known: Watched | undefined, beat: Heartbeat, nowMs: number): Replicas {
  const before = known ?? nothing()
  if (beat.unseen === true) return before
  const { replicas, phaseSinceMs } = beat.full ? nothing() : before
  for (const report of beat.replicas) {
    const id = report.replica
    const isSame = samePhase(before.replicas.get(id), report)
    phaseSinceMs.set(id, (isSame ? before.phaseSinceMs.get(id) : undefined) ?? nowMs)
    replicas.set(id, report)
  }
  for (const gone of beat.gone) {
    replicas.delete(gone)
    phaseSinceMs.delete(gone)
  }
  return { replicas, phaseSinceMs }
}

function nothing(): Replicas {
  return { replicas: new Map(), phaseSinceMs: new Map() }
}

function samePhase(known: ReplicaReport | undefined, { phase }: ReplicaReport): boolean {
  return known?.phase.kind === phase.kind && known.phase.sinceMs === phase.sinceMs
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
