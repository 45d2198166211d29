/** The metrics of a program in the text format of Prometheus. */
import prometheus from 'prom-client'
import { bucketLines, type HistogramSeries } from './histogram-series.ts'
import { SeriesLimit } from './series-limit.ts'

export type Labels<L extends string> = Readonly<Record<L, string>>

/** What a metric is called, without the prefix `orchestrify_` of all of them. */
export interface MetricName<L extends string> {
  readonly name: string
  readonly help: string
  readonly labels: readonly L[]
  /** How many combinations of labels it may have; what comes beyond is refused and counted. */
  readonly seriesMax?: number
}

export interface Counter<L extends string> {
  add(labels: Labels<L>, amount?: number): void
  remove(labels: Labels<L>): void
}

export interface Gauge<L extends string> {
  set(labels: Labels<L>, value: number): void
  remove(labels: Labels<L>): void
}

export interface Timer<L extends string> {
  observe(labels: Labels<L>, ms: number): void
  remove(labels: Labels<L>): void
}

/** A value that is kept elsewhere, as it is at the moment of a scrape. */
export interface Series<L extends string> {
  readonly labels: Labels<L>
  readonly value: number
}

export interface Metrics {
  readonly contentType: string
  counter<L extends string>(of: MetricName<L>): Counter<L>
  gauge<L extends string>(of: MetricName<L>): Gauge<L>
  /** Durations of what is rare; a hot path adds to a `Histogram` of its own and exposes that. */
  timer<L extends string>(of: MetricName<L>): Timer<L>
  exposeCounter<L extends string>(of: MetricName<L>, get: () => Iterable<Series<L>>): void
  exposeGauge<L extends string>(of: MetricName<L>, get: () => Iterable<Series<L>>): void
  exposeHistogram<L extends string>(
    of: MetricName<L>,
    get: () => Iterable<HistogramSeries<L>>,
  ): void
  /** What a scrape answers; scrapes at the same moment share one collection. */
  text(): Promise<string>
}

const SERIES_MAX = 1_000
const LABEL_LENGTH_MAX = 256
const TIMER_EDGES_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

export function createMetrics(program: string): Metrics {
  const registry = new prometheus.Registry()
  registry.setDefaultLabels({ program })
  prometheus.collectDefaultMetrics({ register: registry })
  const dropped = new prometheus.Counter({
    name: 'orchestrify_metric_updates_refused_total',
    help: 'Updates of series that a metric had no room for.',
    labelNames: ['metric'],
    registers: [registry],
  })
  const context = { registry, refuse: (metric: string) => dropped.inc({ metric }) }
  const text = shared(() => registry.metrics())
  return { contentType: registry.contentType, text, ...pushed(context), ...pulled(context) }
}

interface Context {
  readonly registry: prometheus.Registry
  readonly refuse: (metric: string) => void
}

function pushed(context: Context): Pick<Metrics, 'counter' | 'gauge' | 'timer'> {
  return {
    counter: (of) => {
      const counter = new prometheus.Counter<string>(settings(of, context))
      const within = bounded(of, context)
      return {
        add: (labels, amount = 1) => within.update(labels, (own) => counter.inc(own, amount)),
        remove: (labels) => within.remove(labels, (own) => counter.remove(own)),
      }
    },
    gauge: (of) => {
      const gauge = new prometheus.Gauge<string>(settings(of, context))
      const within = bounded(of, context)
      return {
        set: (labels, value) => within.update(labels, (own) => gauge.set(own, value)),
        remove: (labels) => within.remove(labels, (own) => gauge.remove(own)),
      }
    },
    timer: (of) => {
      const buckets = TIMER_EDGES_SECONDS
      const histogram = new prometheus.Histogram<string>({ ...settings(of, context), buckets })
      const within = bounded(of, context)
      return {
        observe: (labels, ms) => within.update(labels, (own) => histogram.observe(own, ms / 1_000)),
        remove: (labels) => within.remove(labels, (own) => histogram.remove(own)),
      }
    },
  }
}

function pulled(
  context: Context,
): Pick<Metrics, 'exposeCounter' | 'exposeGauge' | 'exposeHistogram'> {
  return {
    exposeCounter: (of, get) => {
      const collect = (): void => {
        counter.reset()
        for (const { labels, value } of admitted(of, get(), context)) counter.inc(labels, value)
      }
      const counter = new prometheus.Counter<string>({ ...settings(of, context), collect })
    },
    exposeGauge: (of, get) => {
      const collect = (): void => {
        gauge.reset()
        for (const { labels, value } of admitted(of, get(), context)) gauge.set(labels, value)
      }
      const gauge = new prometheus.Gauge<string>({ ...settings(of, context), collect })
    },
    exposeHistogram: (of, get) => {
      const { registry } = context
      const shell = new prometheus.Histogram<string>({ ...settings(of, context), registers: [] })
      const read = async () => ({
        ...{ name: nameOf(of), help: of.help, type: 'histogram' },
        aggregator: 'sum',
        values: [...admitted(of, get(), context)].flatMap((one) => bucketLines(nameOf(of), one)),
      })
      registry.registerMetric(Object.assign(shell, { get: read, getForPromString: read }))
    },
  }
}

/** At most as many series as the metric may have, each with labels of bearable length. */
function* admitted<S extends { readonly labels: Labels<string> }>(
  of: MetricName<string>,
  series: Iterable<S>,
  context: Context,
): Iterable<S & { labels: Record<string, string> }> {
  let count = 0
  for (const one of series) {
    count += 1
    if (count > (of.seriesMax ?? SERIES_MAX)) context.refuse(nameOf(of))
    else yield { ...one, labels: clipped(one.labels) }
  }
}

interface Bounded {
  update(labels: Labels<string>, apply: (own: Record<string, string>) => void): void
  remove(labels: Labels<string>, apply: (own: Record<string, string>) => void): void
}

function bounded(of: MetricName<string>, context: Context): Bounded {
  const limit = new SeriesLimit(of.seriesMax ?? SERIES_MAX)
  return {
    update: (labels, apply) => {
      const own = clipped(labels)
      if (limit.admits(own)) apply(own)
      else context.refuse(nameOf(of))
    },
    remove: (labels, apply) => {
      const own = clipped(labels)
      limit.forget(own)
      apply(own)
    },
  }
}

function settings(of: MetricName<string>, context: Context) {
  return {
    name: nameOf(of),
    help: of.help,
    labelNames: [...of.labels],
    registers: [context.registry],
  }
}

function nameOf(of: MetricName<string>): string {
  return `orchestrify_${of.name}`
}

function clipped(labels: Labels<string>): Record<string, string> {
  const entries = Object.entries(labels).map(([k, v]) => [k, v.slice(0, LABEL_LENGTH_MAX)])
  return Object.fromEntries(entries)
}

/** Callers that come while one collection runs get its answer. */
function shared<T>(collect: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= collect().finally(() => {
      running = undefined
    })
    return running
  }
}
