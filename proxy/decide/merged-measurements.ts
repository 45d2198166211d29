import { Histogram, type HistogramWire } from '../../shared/histogram.ts'
import type { ReplicaMeasurement, ServiceMeasurement } from '../../shared/protocol.ts'

/** Two processes of one proxy measured side by side: one report tells it as one. */
export function mergedMeasurements(
  ours: readonly ServiceMeasurement[],
  theirs: readonly ServiceMeasurement[],
): readonly ServiceMeasurement[] {
  const merged = new Map(ours.map((one) => [one.service, one]))
  for (const one of theirs) {
    const known = merged.get(one.service)
    merged.set(one.service, known === undefined ? one : mergedService(known, one))
  }
  return [...merged.values()]
}

function mergedService(a: ServiceMeasurement, b: ServiceMeasurement): ServiceMeasurement {
  const replicas = new Map(a.replicas.map((one) => [one.replica, one]))
  for (const one of b.replicas) {
    const known = replicas.get(one.replica)
    replicas.set(one.replica, known === undefined ? one : mergedReplica(known, one))
  }
  return {
    ...a,
    arrivals: a.arrivals + b.arrivals,
    errors: a.errors + b.errors,
    queued: a.queued + b.queued,
    queueMs: a.queueMs + b.queueMs,
    latency: mergedHistogram([a.latency, b.latency]),
    replicas: [...replicas.values()],
  }
}

function mergedReplica(a: ReplicaMeasurement, b: ReplicaMeasurement): ReplicaMeasurement {
  const histograms = [a.histogram, b.histogram].filter((one) => one !== undefined)
  return {
    ...a,
    arrivals: a.arrivals + b.arrivals,
    errors: a.errors + b.errors,
    inFlight: a.inFlight + b.inFlight,
    inFlightAreaMs: a.inFlightAreaMs + b.inFlightAreaMs,
    upstreamMs: a.upstreamMs + b.upstreamMs,
    ...(histograms.length === 0 ? {} : { histogram: mergedHistogram(histograms) }),
  }
}

function mergedHistogram(parts: readonly HistogramWire[]): ServiceMeasurement['latency'] {
  const sum = new Histogram()
  for (const part of parts) sum.mergeWire(part)
  const { sumMs, buckets } = sum.encode()
  return { sumMs, buckets: [...buckets] }
}
