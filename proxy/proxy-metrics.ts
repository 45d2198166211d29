import type { Histogram } from '../shared/histogram.ts'
import { createMetrics, type Metrics } from '../shared/metrics.ts'
import { type ServiceTotals, UNROUTED } from './totals.ts'
import type { Traffic } from './traffic.ts'

const REPLICA_SERIES_MAX = 10_000

/** The proxy's metrics, read from what it decides by at the moment of a scrape. */
export function createProxyMetrics(traffic: Traffic): Metrics {
  const metrics = createMetrics('proxy')
  exposeServices(metrics, traffic)
  exposeReplicas(metrics, traffic)
  const { table } = traffic
  metrics.exposeGauge(
    { name: 'proxy_routes_stale', help: 'Whether no master confirmed the routes yet.', labels: [] },
    () => [{ labels: {}, value: table.stale ? 1 : 0 }],
  )
  metrics.exposeGauge(
    { name: 'proxy_services', help: 'Services in the routing table.', labels: [] },
    () => [{ labels: {}, value: table.fragments.length }],
  )
  return metrics
}

function exposeServices(metrics: Metrics, traffic: Traffic): void {
  metrics.exposeHistogram(
    {
      name: 'proxy_request_duration_seconds',
      help: "From a request's last byte in to its answer's last byte out; errors count as slow.",
      labels: ['service'],
    },
    () => latencies(traffic),
  )
  metrics.exposeHistogram(
    {
      name: 'proxy_route_duration_seconds',
      help: 'The same by the rule that claimed the request, slow ones too.',
      labels: ['service', 'route'],
    },
    () => routeLatencies(traffic),
  )
  metrics.exposeCounter(
    { name: 'proxy_answers_total', help: 'Answers by class.', labels: ['service', 'status'] },
    () => answers(traffic),
  )
  const perService = [
    { name: 'proxy_retries_total', help: 'Requests asked of another replica.', field: 'retries' },
    { name: 'proxy_hedges_total', help: 'Requests asked of a second replica.', field: 'hedges' },
    { name: 'proxy_aborted_total', help: 'Requests whose client left.', field: 'aborted' },
    { name: 'proxy_lasting_total', help: 'WebSockets and event streams.', field: 'lasting' },
  ] as const
  for (const { name, help, field } of perService) {
    metrics.exposeCounter({ name, help, labels: ['service'] }, () =>
      routed(traffic).map(({ totals }) => ({
        labels: { service: totals.name },
        value: totals[field],
      })),
    )
  }
}

function exposeReplicas(metrics: Metrics, traffic: Traffic): void {
  const perReplica = [
    { name: 'proxy_in_flight', help: 'Requests under way.', get: () => traffic.inFlight },
    { name: 'proxy_permits', help: "This proxy's permits.", get: () => traffic.shares },
  ]
  for (const { name, help, get } of perReplica) {
    metrics.exposeGauge({ name, help, labels: ['replica'], seriesMax: REPLICA_SERIES_MAX }, () =>
      [...get()].map(([replica, value]) => ({ labels: { replica }, value })),
    )
  }
  metrics.exposeGauge(
    { name: 'proxy_avoided_replicas', help: 'Replicas avoided after failures.', labels: [] },
    () => [{ labels: {}, value: traffic.avoided.length }],
  )
  metrics.exposeGauge(
    { name: 'proxy_queued', help: 'Requests that wait for a replica.', labels: ['service'] },
    () =>
      [...traffic.services].map(({ fragment, queue }) => ({
        labels: { service: fragment.name },
        value: queue.waiting,
      })),
  )
}

interface Latency<L extends string> {
  readonly labels: Readonly<Record<L, string>>
  readonly histogram: Histogram
  readonly objectiveMs: number | undefined
}

function latencies(traffic: Traffic): readonly Latency<'service'>[] {
  return routed(traffic).map(({ totals, objectiveMs }) => ({
    labels: { service: totals.name },
    histogram: totals.latency,
    objectiveMs,
  }))
}

function routeLatencies(traffic: Traffic): readonly Latency<'service' | 'route'>[] {
  return routed(traffic).flatMap(({ totals, objectiveMs }) =>
    [...totals.routes].map(([route, histogram]) => ({
      labels: { service: totals.name, route },
      histogram,
      objectiveMs,
    })),
  )
}

function answers({ totals }: Traffic) {
  return [...totals.services].flatMap(([, { name, answers }]) =>
    [...answers].map(([status, value]) => ({ labels: { service: name, status }, value })),
  )
}

interface Routed {
  readonly totals: ServiceTotals
  readonly objectiveMs: number | undefined
}

function routed({ totals, table }: Traffic): readonly Routed[] {
  return [...totals.services]
    .filter(([service]) => service !== UNROUTED)
    .map(([service, one]) => ({
      totals: one,
      objectiveMs: table.fragment(service)?.objective.latencyTargetMs,
    }))
}
