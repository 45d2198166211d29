import { Histogram } from '../../shared/histogram.ts'
import type { Objective, ReplicaId, ServiceId } from '../../shared/model.ts'
import type { ReplicaMeasurement, ServiceMeasurement } from '../../shared/protocol.ts'

/** How a request for a service ended, seen by its client. */
export type Outcome =
  | 'answered'
  /** An error of the replica, or ours on its behalf. */
  | 'failed'
  /** Nobody could be asked: an error, but no replica was slow, and another would not be faster. */
  | 'unserved'
  /** The client left before it had everything. */
  | 'aborted'
  /** A connection that is meant to last, or a request whose time does not count. */
  | 'lasting'

interface ReplicaWindow {
  arrivals: number
  errors: number
  inFlight: number
  inFlightAreaMs: number
  areaUntilMs: number
  upstreamMs: number
  /** Upstream times since the last histogram was told. */
  readonly latency: Histogram
}

interface ServiceWindow {
  arrivals: number
  errors: number
  waiting: number
  /** The integral of waiting requests over the stretch. */
  queueAreaMs: number
  queueUntilMs: number
  /** Answers in the histogram that took longer than the objective allows. */
  late: number
  readonly latency: Histogram
  readonly replicas: Map<ReplicaId, ReplicaWindow>
}

/** How much slower than its objective an error counts at least. */
const ERROR_FACTOR = 2
/** Fewer answers than this are no reason to hurry. */
const LATE_SAMPLES_MIN = 20

/** How often histograms of single replicas are told: they are many. */
const REPLICA_HISTOGRAM_EVERY_MS = 10_000

/** What was measured since the last cut: constant memory per service and replica. */
export class Meter {
  readonly #services = new Map<ServiceId, ServiceWindow>()
  #detailAtMs = Number.NEGATIVE_INFINITY

  arrived(service: ServiceId): void {
    this.#service(service).arrivals += 1
  }

  /** So many wait from now on. */
  queue(service: ServiceId, waiting: number, nowMs: number): void {
    const window = this.#service(service)
    growQueue(window, nowMs)
    window.waiting = waiting
  }

  /** A request went to a replica. */
  sent(service: ServiceId, replica: ReplicaId, nowMs: number): void {
    const window = this.#replica(service, replica, nowMs)
    grow(window, nowMs)
    window.arrivals += 1
    window.inFlight += 1
  }

  /** That replica is done with it, well or not. */
  left(service: ServiceId, replica: ReplicaId, end: Leaving): void {
    const window = this.#replica(service, replica, end.nowMs)
    grow(window, end.nowMs)
    window.inFlight = Math.max(0, window.inFlight - 1)
    window.upstreamMs += end.upstreamMs
    if (end.failed) window.errors += 1
    else window.latency.add(end.upstreamMs)
  }

  /** The client has its answer. */
  finished(service: ServiceId, { kind, latencyMs }: Ending, objective: Objective): void {
    const window = this.#service(service)
    if (kind === 'failed' || kind === 'unserved') window.errors += 1
    if (latencyMs === undefined) return
    window.latency.add(latencyMs)
    if (latencyMs > objective.latencyTargetMs) window.late += 1
  }

  /** Whether what was seen since the last cut already misses the objective. */
  isLate(service: ServiceId, { percentile }: Objective): boolean {
    const { late, latency } = this.#service(service)
    if (latency.count < LATE_SAMPLES_MIN) return false
    return late > latency.count * (1 - percentile / 100)
  }

  /** Ends the stretch: what was seen in it, and a new one begins. */
  cut(nowMs: number): readonly ServiceMeasurement[] {
    const detailed = nowMs - this.#detailAtMs >= REPLICA_HISTOGRAM_EVERY_MS
    if (detailed) this.#detailAtMs = nowMs
    const measured = [...this.#services].map(([service, window]) =>
      cutService(service, window, { nowMs, detailed }),
    )
    for (const [service, window] of this.#services) {
      if (window.replicas.size === 0 && window.waiting === 0) this.#services.delete(service)
    }
    return measured.filter(tellsSomething)
  }

  #service(service: ServiceId): ServiceWindow {
    const known = this.#services.get(service)
    if (known !== undefined) return known
    const window: ServiceWindow = {
      arrivals: 0,
      errors: 0,
      waiting: 0,
      queueAreaMs: 0,
      queueUntilMs: 0,
      late: 0,
      latency: new Histogram(),
      replicas: new Map(),
    }
    this.#services.set(service, window)
    return window
  }

  #replica(service: ServiceId, replica: ReplicaId, nowMs: number): ReplicaWindow {
    const { replicas } = this.#service(service)
    const known = replicas.get(replica)
    if (known !== undefined) return known
    const window = {
      arrivals: 0,
      errors: 0,
      inFlight: 0,
      inFlightAreaMs: 0,
      areaUntilMs: nowMs,
      upstreamMs: 0,
      latency: new Histogram(),
    }
    replicas.set(replica, window)
    return window
  }
}

export interface Ending {
  readonly kind: Outcome
  /** The latency that counts, if one does. */
  readonly latencyMs: number | undefined
}

export interface Leaving {
  readonly upstreamMs: number
  readonly failed: boolean
  readonly nowMs: number
}

/** Errors are slow, never fast; a client that left early says nothing, one that left late does. */
export function latencyOf(
  outcome: Outcome,
  elapsedMs: number,
  { latencyTargetMs }: Objective,
): number | undefined {
  switch (outcome) {
    case 'answered':
      return elapsedMs
    case 'failed':
      return Math.max(elapsedMs, ERROR_FACTOR * latencyTargetMs)
    case 'aborted':
      return elapsedMs > latencyTargetMs ? elapsedMs : undefined
    case 'unserved':
    case 'lasting':
      return undefined
  }
}

function grow(window: ReplicaWindow, nowMs: number): void {
  window.inFlightAreaMs += window.inFlight * Math.max(0, nowMs - window.areaUntilMs)
  window.areaUntilMs = nowMs
}

function growQueue(window: ServiceWindow, nowMs: number): void {
  if (window.waiting > 0) window.queueAreaMs += window.waiting * (nowMs - window.queueUntilMs)
  window.queueUntilMs = nowMs
}

interface Cut {
  readonly nowMs: number
  /** With histograms of single replicas. */
  readonly detailed: boolean
}

function cutService(service: ServiceId, window: ServiceWindow, cut: Cut): ServiceMeasurement {
  const replicas = [...window.replicas].map(([replica, part]) => cutReplica(replica, part, cut))
  for (const [replica, part] of window.replicas) {
    if (part.inFlight === 0 && part.latency.count === 0) window.replicas.delete(replica)
  }
  growQueue(window, cut.nowMs)
  const { arrivals, errors, waiting, queueAreaMs } = window
  const latency = window.latency.encode()
  window.arrivals = 0
  window.errors = 0
  window.queueAreaMs = 0
  window.late = 0
  window.latency.clear()
  return {
    service,
    arrivals,
    errors,
    queued: waiting,
    queueMs: queueAreaMs,
    latency: { sumMs: latency.sumMs, buckets: [...latency.buckets] },
    replicas: replicas.filter(({ arrivals, inFlight, inFlightAreaMs, histogram }) => {
      return arrivals + inFlight + inFlightAreaMs > 0 || histogram !== undefined
    }),
  }
}

function cutReplica(replica: ReplicaId, window: ReplicaWindow, cut: Cut): ReplicaMeasurement {
  grow(window, cut.nowMs)
  const { arrivals, errors, inFlight, inFlightAreaMs, upstreamMs } = window
  window.arrivals = 0
  window.errors = 0
  window.inFlightAreaMs = 0
  window.upstreamMs = 0
  const measured = { replica, arrivals, errors, inFlight, inFlightAreaMs, upstreamMs }
  if (!cut.detailed || window.latency.count === 0) return measured
  const { sumMs, buckets } = window.latency.encode()
  window.latency.clear()
  return { ...measured, histogram: { sumMs, buckets: [...buckets] } }
}

function tellsSomething(measured: ServiceMeasurement): boolean {
  const { arrivals, errors, queued, latency, replicas } = measured
  return arrivals + errors + queued + latency.buckets.length + replicas.length > 0
}
