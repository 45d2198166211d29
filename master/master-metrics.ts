/** What the master tells Prometheus, besides what every program tells. */
import { createMetrics, type Metrics, type Series } from '../shared/metrics.ts'
import type { Pass } from './control-loop.ts'
import type { DesiredView } from './decide/desired.ts'
import type { Observed } from './decide/observed.ts'
import type { Ledger } from './ledger.ts'
import type { ProxyDoor } from './surface.ts'

export interface MasterMetrics {
  readonly metrics: Metrics
  onPass(pass: Pass): void
}

export interface MetricSources {
  readonly alerts: AlertThresholds
  readonly ledger: Ledger
  readonly observed: Observed
  readonly proxies: Pick<ProxyDoor, 'list'>
}

export interface AlertThresholds {
  readonly alertCpuPercent: number
  readonly alertMemoryPercent: number
  readonly alertDiskPercent: number
}

export function createMasterMetrics(sources: MetricSources): MasterMetrics {
  const { ledger, observed, proxies, alerts } = sources
  const metrics = createMetrics('master')
  metrics.exposeGauge(
    {
      name: 'alert_threshold_percent',
      help: 'Load of a node worth an alert.',
      labels: ['resource'],
    },
    () => [
      { labels: { resource: 'cpu' }, value: alerts.alertCpuPercent },
      { labels: { resource: 'memory' }, value: alerts.alertMemoryPercent },
      { labels: { resource: 'disk' }, value: alerts.alertDiskPercent },
    ],
  )
  const { desired } = ledger
  exposeNodes(metrics, desired, observed)
  exposeServices(metrics, desired, observed)
  metrics.exposeGauge({ name: 'proxies', help: 'Live proxies.', labels: [] }, () => [
    { labels: {}, value: proxies.list().length },
  ])
  metrics.exposeGauge({ name: 'epoch', help: 'The epoch of this master.', labels: [] }, () => [
    { labels: {}, value: ledger.epoch },
  ])
  metrics.exposeGauge({ name: 'revision', help: 'Changes in the log.', labels: [] }, () => [
    { labels: {}, value: desired.revision },
  ])
  return { metrics, onPass: countPasses(metrics, ledger) }
}

function countPasses(metrics: Metrics, ledger: Ledger): (pass: Pass) => void {
  const changes = metrics.counter({
    name: 'changes_total',
    help: 'Changes of the desired state, by kind.',
    labels: ['kind'],
  })
  ledger.onCommit((entries) => {
    for (const { change } of entries) changes.add({ kind: change.kind })
  })
  const passes = metrics.timer({
    name: 'control_pass_seconds',
    help: 'How long one pass of the control loop took.',
    labels: [],
  })
  const decisions = metrics.counter({
    name: 'decisions_total',
    help: 'Evaluations of the autoscaler, by the rule that won.',
    labels: ['service', 'rule'],
  })
  return (pass) => {
    passes.observe({}, pass.tookMs)
    for (const { service, rule } of pass.decisions) {
      const name = ledger.desired.services.get(service)?.spec.name
      if (name !== undefined) decisions.add({ service: name, rule })
    }
  }
}

function exposeNodes(metrics: Metrics, desired: DesiredView, observed: Observed): void {
  metrics.exposeGauge(
    { name: 'node_condition', help: 'The condition of each node.', labels: ['node', 'condition'] },
    () =>
      [...desired.nodes.values()].map(({ name, condition }) => ({
        labels: { node: name, condition },
        value: 1,
      })),
  )
  metrics.exposeGauge(
    { name: 'node_last_heartbeat_seconds', help: 'When it was last heard.', labels: ['node'] },
    () =>
      [...desired.nodes.values()].flatMap(({ id, name }) => {
        const seen = observed.nodes.get(id)
        return seen === undefined ? [] : [{ labels: { node: name }, value: seen.seenAtMs / 1_000 }]
      }),
  )
  metrics.exposeGauge(
    { name: 'node_trouble', help: '1 while nothing can be started there.', labels: ['node'] },
    () =>
      [...desired.nodes.values()].map(({ id, name }) => ({
        labels: { node: name },
        value: observed.nodes.get(id)?.trouble === undefined ? 0 : 1,
      })),
  )
}

type ByService = readonly Series<'service'>[]

function exposeServices(metrics: Metrics, desired: DesiredView, observed: Observed): void {
  const services = (value: (id: string) => number | undefined) => (): ByService =>
    [...desired.services.values()].flatMap(({ id, spec }) => {
      const found = value(id)
      return found === undefined ? [] : [{ labels: { service: spec.name }, value: found }]
    })
  const recent = (id: string) => {
    const service = desired.services.get(id)
    return service === undefined ? undefined : observed.demandOf(service).recent
  }
  const gauges: readonly [string, string, (id: string) => number | undefined][] = [
    ['service_replicas', 'Replicas that should serve.', (id) => desired.services.get(id)?.replicas],
    ['service_replicas_serving', 'Replicas that serve.', (id) => servingOf(id, desired, observed)],
    [
      'service_replicas_pending',
      'Replicas without a place.',
      (id) => desired.replicasOf(id).filter(({ node }) => node === undefined).length,
    ],
    [
      'service_objective_seconds',
      'The latency that the objective allows.',
      (id) => seconds(desired.services.get(id)?.spec.objective.latencyTargetMs),
    ],
    [
      'service_latency_seconds',
      'The percentile of the objective, over the shortest stretch that can be judged.',
      (id) => seconds(recent(id)?.percentileMs),
    ],
    [
      'service_needs_worker',
      '1 while only another worker could help: add one.',
      (id) => (desired.services.get(id)?.advice === undefined ? 0 : 1),
    ],
  ]
  for (const [name, help, value] of gauges) {
    metrics.exposeGauge({ name, help, labels: ['service'] }, services(value))
  }
}

function servingOf(service: string, desired: DesiredView, observed: Observed): number {
  return desired.replicasOf(service).filter(({ id, node }) => {
    const report = observed.nodes.get(node ?? '')?.replicas.get(id)
    return report?.phase.kind === 'serving'
  }).length
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000
}
