import { Histogram, type HistogramWire } from '../../shared/histogram.ts'
import type { DemandWindow, Service, ServiceId } from '../../shared/model.ts'
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

/** What all proxies together saw in one second. */
interface Second {
  readonly atMs: number
  requests: number
  errors: number
  readonly latencies: HistogramWire[]
}

interface History {
  /** Which percentile the service's objective is about. */
  percentile: number
  seconds: Second[]
  windows: DemandWindow[]
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

  add(measured: ServiceMeasurement, percentile: number, nowMs: number): void {
    const history = this.#historyOf(measured.service)
    history.percentile = percentile
    const latest = history.seconds.at(-1)
    const second =
      latest !== undefined && nowMs - latest.atMs < SECOND_MS
        ? latest
        : { atMs: nowMs, requests: 0, errors: 0, latencies: [] }
    if (second !== latest) history.seconds.push(second)
    second.requests += measured.latency.buckets.reduce((sum, v, at) => sum + (at % 2) * v, 0)
    second.errors += measured.errors
    second.latencies.push(measured.latency)
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
    const recent = history === undefined ? undefined : this.#recent(history, service, nowMs)
    const windows = this.#covered.map(
      (covered) => history?.windows.find((w) => w.toMs === covered.toMs) ?? empty(covered),
    )
    return { windows, ...(recent === undefined ? {} : { recent }) }
  }

  /** Services that no longer exist are forgotten. */
  keepOnly(services: ReadonlyMap<ServiceId, Service>): void {
    for (const id of this.#histories.keys()) if (!services.has(id)) this.#histories.delete(id)
  }

  #close(history: History, window: { readonly fromMs: number; readonly toMs: number }): void {
    const inside = history.seconds.filter((s) => s.atMs >= window.fromMs && s.atMs < window.toMs)
    if (inside.length > 0)
      history.windows.push({ ...summary(inside, history.percentile), ...window })
    history.windows = history.windows.slice(-this.#limits.windowsMax)
    const oldestMs = window.toMs - this.#limits.recentMaxMs
    history.seconds = history.seconds.filter((second) => second.atMs >= oldestMs)
  }

  /** The shortest stretch until now with enough requests: the last seconds first. */
  #recent(history: History, service: Service, nowMs: number): DemandWindow | undefined {
    const { samplesMin, recentMaxMs } = this.#limits
    const used: Second[] = []
    let requests = 0
    for (const second of [...history.seconds].reverse()) {
      if (nowMs - second.atMs > recentMaxMs) break
      used.push(second)
      requests += second.requests
      if (requests >= samplesMin) break
    }
    if (requests < samplesMin) return undefined
    const { percentile } = service.spec.objective
    // A second's measurement tells of the second before it arrived.
    const fromMs = (used.at(-1)?.atMs ?? nowMs) - SECOND_MS
    return { ...summary(used, percentile), fromMs, toMs: Math.max(nowMs, fromMs + 1) }
  }

  #historyOf(service: ServiceId): History {
    const known = this.#histories.get(service)
    if (known !== undefined) return known
    const history: History = { percentile: PERCENTILE_FALLBACK, seconds: [], windows: [] }
    this.#histories.set(service, history)
    return history
  }
}

const SECOND_MS = 1_000
const PERCENTILE_FALLBACK = 95

function summary(
  seconds: readonly Second[],
  percentile: number,
): Pick<DemandWindow, 'requests' | 'errors' | 'percentileMs' | 'meanMs'> {
  const merged = new Histogram()
  let errors = 0
  for (const second of seconds) {
    for (const wire of second.latencies) merged.mergeWire(wire)
    errors += second.errors
  }
  const percentileMs = merged.percentileMs(percentile)
  return { requests: merged.count, errors, percentileMs, meanMs: merged.meanMs }
}

function empty(window: { readonly fromMs: number; readonly toMs: number }): DemandWindow {
  return { ...window, requests: 0, errors: 0, percentileMs: 0, meanMs: 0 }
}
