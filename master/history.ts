import type { NodeSample, SeriesView, ServiceSample } from '../shared/api.ts'
import type { NodeId, ServiceId } from '../shared/model.ts'
import type { DesiredView } from './decide/desired.ts'
import type { Observed } from './decide/observed.ts'
import type { HistorySource } from './surface.ts'

export interface HistoryLimits {
  readonly sampleEveryMs: number
  readonly retentionMs: number
}

/** Samples of every service and node, for the retention: telemetry, lost with the process. */
export class History implements HistorySource {
  readonly #limits: HistoryLimits
  readonly #services = new Map<ServiceId, ServiceSample[]>()
  readonly #nodes = new Map<NodeId, NodeSample[]>()
  #sampledAtMs = Number.NEGATIVE_INFINITY

  constructor(limits: HistoryLimits) {
    this.#limits = limits
  }

  ofService(id: ServiceId): SeriesView<ServiceSample> {
    return { ...this.#limits, samples: this.#services.get(id) ?? [] }
  }

  ofNode(id: NodeId): SeriesView<NodeSample> {
    return { ...this.#limits, samples: this.#nodes.get(id) ?? [] }
  }

  /** Takes a sample when one is due. */
  tick(desired: DesiredView, observed: Observed, nowMs: number): void {
    if (nowMs - this.#sampledAtMs < this.#limits.sampleEveryMs) return
    this.#sampledAtMs = nowMs
    for (const service of desired.services.values()) {
      const sample = serviceSample(service.id, desired, observed, nowMs)
      if (sample !== undefined) this.#keep(this.#services, service.id, sample)
    }
    for (const [id, { load, seenAtMs }] of observed.nodes) {
      if (desired.nodes.has(id)) this.#keep(this.#nodes, id, { atMs: nowMs, seenAtMs, ...load })
    }
    forget(this.#services, desired.services)
    forget(this.#nodes, desired.nodes)
  }

  #keep<S extends { readonly atMs: number }>(into: Map<string, S[]>, id: string, sample: S): void {
    const samples = into.get(id) ?? []
    samples.push(sample)
    const oldestMs = sample.atMs - this.#limits.retentionMs
    const kept = samples.findIndex(({ atMs }) => atMs >= oldestMs)
    into.set(id, kept > 0 ? samples.slice(kept) : samples)
  }
}

function serviceSample(
  id: ServiceId,
  desired: DesiredView,
  observed: Observed,
  nowMs: number,
): ServiceSample | undefined {
  const service = desired.services.get(id)
  if (service === undefined) return undefined
  const { recent } = observed.demandOf(service)
  const serving = desired.replicasOf(id).filter((replica) => {
    const report = observed.nodes.get(replica.node ?? '')?.replicas.get(replica.id)
    return report?.phase.kind === 'serving'
  }).length
  const measured =
    recent === undefined
      ? {}
      : {
          percentileMs: recent.percentileMs,
          requestsPerSecond: (recent.requests * 1_000) / (recent.toMs - recent.fromMs),
          errorsPerSecond: (recent.errors * 1_000) / (recent.toMs - recent.fromMs),
        }
  return { atMs: nowMs, replicas: service.replicas, serving, ...measured }
}

function forget(from: Map<string, unknown>, existing: ReadonlyMap<string, unknown>): void {
  for (const id of from.keys()) if (!existing.has(id)) from.delete(id)
}
