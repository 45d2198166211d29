import type { DemandWindow } from '../../shared/decision.ts'
import { Histogram, type HistogramWire } from '../../shared/histogram.ts'
import type { Service, ServiceId } from '../../shared/model.ts'
import type { ServiceMeasurement } from '../../shared/protocol.ts'
import type { Demand } from './observed.ts'

export interface DemandLimits {
  /** A stretch shorter than this is judged only when it holds so many requests. */
  readonly samplesMin: number
  /** How far back the recent stretch may reach for them. */
  readonly recentMaxMs: number
  readonly windowMs: number
  readonly windowsMax: number
}

/** What the proxies told at about the same moment. */
interface Slice {
  fromMs: number
  readonly atMs: number
  requests: number
  errors: number
  readonly latencies: HistogramWire[]
}

interface History {
  /** Which percentile the service's objective is about. */
  percentile: number
  slices: Slice[]
  windows: DemandWindow[]
  /** When requests were last told of that came while no replica was wanted. */
  unmetAtMs: number
}

/** Windows of measurements, for every service: events and `nowMs` in, demand out. */
export class DemandWindows {
  readonly #limits: DemandLimits
  readonly #histories = new Map<ServiceId, History>()
  /** Stretches in which every proxy reported: only in these does silence mean no requests. */
  #covered: { readonly fromMs: number; readonly toMs: number }[] = []
  #windowFromMs: number
  #windowComplete = true

  constructor(limits: DemandLimits, nowMs: number) {
    this.#limits = limits
    this.#windowFromMs = nowMs
  }

  add(measured: ServiceMeasurement, about: About, nowMs: number): void {
    const history = this.#historyOf(measured.service)
    history.percentile = about.percentile
    if (about.replicas === 0 && isUnmet(measured)) history.unmetAtMs = nowMs
    const latest = history.slices.at(-1)
    const fromMs = nowMs - about.durationMs
    const slice =
      latest !== undefined && nowMs - latest.atMs < SLICE_MS
        ? latest
        : { fromMs, atMs: nowMs, requests: 0, errors: 0, latencies: [] }
    if (slice !== latest) history.slices.push(slice)
    slice.fromMs = Math.min(slice.fromMs, fromMs)
    slice.requests += measured.latency.buckets.reduce((sum, v, at) => sum + (at % 2) * v, 0)
    slice.errors += measured.errors
    slice.latencies.push(measured.latency)
  }

  /** Closes windows as time passes; `complete` says whether every proxy reports right now. */
  tick(nowMs: number, complete: boolean): void {
    this.#windowComplete &&= complete
    if (nowMs - this.#windowFromMs < this.#limits.windowMs) return
    const window = { fromMs: this.#windowFromMs, toMs: nowMs }
    if (this.#windowComplete) this.#covered.push(window)
    this.#covered = this.#covered.slice(-this.#limits.windowsMax)
    for (const history of this.#histories.values()) this.#close(history, window)
    this.#windowFromMs = nowMs
    this.#windowComplete = complete
  }

  demandOf(service: Service, nowMs: number): Demand {
    const history = this.#histories.get(service.id)
    const windows = this.#covered.map(
      (covered) => history?.windows.find((w) => w.toMs === covered.toMs) ?? empty(covered),
    )
    if (history === undefined) return { windows }
    const unmet = nowMs - history.unmetAtMs < UNMET_MS ? { unmet: true } : {}
    return { windows, ...unmet, ...this.#lately(history, service, nowMs) }
  }

  /** Services that no longer exist are forgotten; of those with replicas, who asked for the first. */
  keepOnly(services: ReadonlyMap<ServiceId, Service>): void {
    for (const [id, history] of this.#histories) {
      const service = services.get(id)
      if (service === undefined) this.#histories.delete(id)
      // Who was waited for is served now: a user who scales to zero next means it.
      else if (service.replicas > 0) history.unmetAtMs = Number.NEGATIVE_INFINITY
    }
  }

  #close(history: History, window: { readonly fromMs: number; readonly toMs: number }): void {
    const inside = history.slices.filter((s) => s.atMs >= window.fromMs && s.atMs < window.toMs)
    if (inside.length > 0)
      history.windows.push({ ...summary(inside, history.percentile), ...window })
    history.windows = history.windows.slice(-this.#limits.windowsMax)
    const oldestMs = window.toMs - this.#limits.recentMaxMs
    history.slices = history.slices.filter((slice) => slice.atMs >= oldestMs)
  }

  /** The shortest stretch until now that can be judged, and the one until a moment before. */
  #lately(history: History, service: Service, nowMs: number): Pick<Demand, 'recent' | 'before'> {
    const { slices } = history
    const recent = this.#stretch(slices, service, nowMs)
    if (recent === undefined) return {}
    const untilMs = (slices.at(-1)?.atMs ?? nowMs) - APART_MS
    const earlier = slices.filter(({ atMs }) => atMs <= untilMs)
    const before = this.#stretch(earlier, service, untilMs)
    return { recent, ...(before === undefined ? {} : { before }) }
  }

  #stretch(slices: readonly Slice[], service: Service, toMs: number): DemandWindow | undefined {
    const { samplesMin, recentMaxMs } = this.#limits
    const used: Slice[] = []
    let requests = 0
    for (const slice of [...slices].reverse()) {
      if (toMs - slice.atMs > recentMaxMs) break
      used.push(slice)
      requests += slice.requests
      if (requests >= samplesMin) break
    }
    if (requests < samplesMin) return undefined
    const fromMs = Math.min(...used.map((slice) => slice.fromMs))
    return { ...summary(used, service.spec.objective.percentile), fromMs, toMs }
  }

  #historyOf(service: ServiceId): History {
    const known = this.#histories.get(service)
    if (known !== undefined) return known
    const history: History = {
      percentile: PERCENTILE_FALLBACK,
      slices: [],
      windows: [],
      unmetAtMs: Number.NEGATIVE_INFINITY,
    }
    this.#histories.set(service, history)
    return history
  }
}

/** For so long a request that nobody took speaks for a replica: its client may ask again. */
const UNMET_MS = 2_000
/** What comes closer together than this is one slice: several proxies, told at one moment. */
const SLICE_MS = 100
/** So far apart two stretches must miss the objective: a stall of a moment is in one of them only. */
const APART_MS = 300
const PERCENTILE_FALLBACK = 95

/** What a measurement does not say itself. */
export interface About {
  readonly percentile: number
  readonly durationMs: number
  /** How many replicas the service should have. */
  readonly replicas: number
}

/** Whether some wait, or went away without a replica. Retries reach several replicas. */
function isUnmet({ arrivals, queued, replicas }: ServiceMeasurement): boolean {
  const sent = replicas.reduce((sum, replica) => sum + replica.arrivals, 0)
  return queued > 0 || arrivals > sent
}

function summary(
  slices: readonly Slice[],
  percentile: number,
): Pick<DemandWindow, 'requests' | 'errors' | 'percentileMs' | 'meanMs'> {
  const merged = new Histogram()
  let errors = 0
  for (const slice of slices) {
    for (const wire of slice.latencies) merged.mergeWire(wire)
    errors += slice.errors
  }
  const percentileMs = merged.percentileMs(percentile)
  return { requests: merged.count, errors, percentileMs, meanMs: merged.meanMs }
}

function empty(window: { readonly fromMs: number; readonly toMs: number }): DemandWindow {
  return { ...window, requests: 0, errors: 0, percentileMs: 0, meanMs: 0 }
}
