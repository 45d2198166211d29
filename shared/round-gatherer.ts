/** Makes rounds of one service out of what proxies tell at different moments. */
import type { Round } from './load-level.ts'
import type { ReplicaId } from './model.ts'
import type { ReplicaMeasurement, ServiceMeasurement } from './protocol.ts'
import type { ReplicaRound } from './replica-speeds.ts'

/** A round is over when everybody told of this much. */
const ROUND_MS = 900
/** Nobody waits longer for a proxy that fell silent. */
const SILENT_AFTER_MS = 2_500
const GONE_AFTER_MS = 5_000

interface ReplicaPart {
  /** In flight when it was last told of: from there on arrivals become ends. */
  inFlight: number
  areaMs: number
  ended: number
  failed: number
  upstreamMs: number
}

/** What one proxy told since the round began. */
interface Part {
  durationMs: number
  queueMs: number
  heardAtMs: number
  readonly replicas: Map<ReplicaId, ReplicaPart>
}

export class RoundGatherer {
  readonly #parts = new Map<string, Part>()

  has(reporter: string): boolean {
    return this.#parts.has(reporter)
  }

  /** What one proxy told of a stretch; undefined: the service had no requests there. */
  add(reporter: string, told: Told): void {
    const part = this.#parts.get(reporter) ?? newPart()
    this.#parts.set(reporter, part)
    part.durationMs += told.durationMs
    part.heardAtMs = told.nowMs
    part.queueMs += told.measured?.queueMs ?? 0
    const replicas = told.measured?.replicas ?? []
    for (const replica of replicas) addReplica(part, replica)
    const mentioned = new Set(replicas.map(({ replica }) => replica))
    for (const [replica, known] of part.replicas) if (!mentioned.has(replica)) known.inFlight = 0
  }

  /** The round, once everybody told of a second of it. */
  take(nowMs: number): Round | undefined {
    for (const [reporter, { heardAtMs }] of this.#parts) {
      if (nowMs - heardAtMs >= GONE_AFTER_MS) this.#parts.delete(reporter)
    }
    const live = [...this.#parts.values()].filter((p) => nowMs - p.heardAtMs < SILENT_AFTER_MS)
    if (live.length === 0 || live.some(({ durationMs }) => durationMs < ROUND_MS)) return undefined
    const round = merged(live)
    for (const part of this.#parts.values()) reset(part)
    return round
  }
}

export interface Told {
  readonly measured: ServiceMeasurement | undefined
  readonly durationMs: number
  readonly nowMs: number
}

function newPart(): Part {
  return { durationMs: 0, queueMs: 0, heardAtMs: 0, replicas: new Map() }
}

function addReplica(part: Part, told: ReplicaMeasurement): void {
  const known = part.replicas.get(told.replica) ?? {
    ...{ inFlight: 0, areaMs: 0, ended: 0, failed: 0, upstreamMs: 0 },
  }
  known.ended += Math.max(0, known.inFlight + told.arrivals - told.inFlight)
  known.inFlight = told.inFlight
  known.areaMs += told.inFlightAreaMs
  known.failed += told.errors
  known.upstreamMs += told.upstreamMs
  part.replicas.set(told.replica, known)
}

function merged(parts: readonly Part[]): Round {
  const replicas = new Map<ReplicaId, ReplicaRound>()
  let waiting = 0
  for (const part of parts) {
    waiting += part.queueMs / part.durationMs
    for (const [replica, { areaMs, ended, failed, upstreamMs }] of part.replicas) {
      const before = replicas.get(replica)
      replicas.set(replica, {
        replica,
        // Each proxy's mean is over its own stretch: they do not begin and end together.
        inFlight: (before?.inFlight ?? 0) + areaMs / part.durationMs,
        ended: (before?.ended ?? 0) + ended,
        failed: (before?.failed ?? 0) + failed,
        upstreamMs: (before?.upstreamMs ?? 0) + upstreamMs,
      })
    }
  }
  const durationMs = Math.max(...parts.map((part) => part.durationMs))
  const fromMs = Math.min(...parts.map((part) => part.heardAtMs - part.durationMs))
  return { fromMs, durationMs, waiting, replicas: [...replicas.values()] }
}

/** Only what is still in flight is worth keeping. */
function reset(part: Part): void {
  part.durationMs = 0
  part.queueMs = 0
  for (const [replica, { inFlight }] of part.replicas) {
    if (inFlight === 0) part.replicas.delete(replica)
    else part.replicas.set(replica, { inFlight, areaMs: 0, ended: 0, failed: 0, upstreamMs: 0 })
  }
}
