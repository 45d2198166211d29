import { expect, test } from 'vitest'
import { Histogram } from '../../shared/histogram.ts'
import { createMetrics, type Metrics } from '../../shared/metrics.ts'

/** The lines of our own metrics, without comments and without the label of the program. */
async function ours(metrics: Metrics): Promise<readonly string[]> {
  const lines = (await metrics.text()).split('\n')
  const own = lines.filter((line) => line.startsWith('orchestrify_'))
  return own.map((line) => line.replace(/,?program="test"/, '').replace('{}', ''))
}

test('createMetrics() tells about the process and the lag of its event loop', async () => {
  const text = await createMetrics('test').text()
  expect(text).toMatch(/^process_resident_memory_bytes\{program="test"} \d+/m)
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds\{program="test"} /m)
})

test('two programs in one process have metrics of their own', async () => {
  const [one, two] = [createMetrics('one'), createMetrics('two')]
  const name = { name: 'things_total', help: 'Things.', labels: [] } as const
  one.counter(name).add({})
  two.counter(name)
  expect(await one.text()).toContain('orchestrify_things_total{program="one"} 1')
  expect(await two.text()).toContain('orchestrify_things_total{program="two"} 0')
})

test('a counter adds, a gauge is set, a timer takes milliseconds and shows seconds', async () => {
  const metrics = createMetrics('test')
  const counter = metrics.counter({ name: 'calls_total', help: 'Calls.', labels: ['path'] })
  counter.add({ path: '/a' })
  counter.add({ path: '/a' }, 4)
  metrics
    .gauge({ name: 'nodes', help: 'Nodes.', labels: ['condition'] })
    .set({ condition: 'ready' }, 3)
  metrics.timer({ name: 'plan_seconds', help: 'Plans.', labels: [] }).observe({}, 250)
  const lines = await ours(metrics)
  expect(lines).toContain('orchestrify_calls_total{path="/a"} 5')
  expect(lines).toContain('orchestrify_nodes{condition="ready"} 3')
  expect(lines).toContain('orchestrify_plan_seconds_sum 0.25')
  expect(lines).toContain('orchestrify_plan_seconds_bucket{le="0.1"} 0')
  expect(lines).toContain('orchestrify_plan_seconds_bucket{le="0.5"} 1')
})

test('exposeGauge() and exposeCounter() show what is there at the moment of the scrape', async () => {
  const metrics = createMetrics('test')
  const values = new Map([['a', 1]])
  const get = () => [...values].map(([name, value]) => ({ labels: { name }, value }))
  metrics.exposeGauge({ name: 'now', help: 'Now.', labels: ['name'] }, get)
  metrics.exposeCounter({ name: 'so_far_total', help: 'So far.', labels: ['name'] }, get)
  expect(await ours(metrics)).toEqual([
    'orchestrify_now{name="a"} 1',
    'orchestrify_so_far_total{name="a"} 1',
  ])
  values.delete('a')
  values.set('b', 2)
  expect(await ours(metrics)).toEqual([
    'orchestrify_now{name="b"} 2',
    'orchestrify_so_far_total{name="b"} 2',
  ])
})

test('exposeHistogram() shows cumulative buckets in seconds with an edge at the objective', async () => {
  const metrics = createMetrics('test')
  const histogram = new Histogram()
  for (const ms of [3, 40, 110, 60_000]) histogram.add(ms)
  const series = [{ labels: { service: 'web' }, histogram, objectiveMs: 120 }]
  metrics.exposeHistogram(
    { name: 'latency_seconds', help: 'L.', labels: ['service'] },
    () => series,
  )
  const lines = await ours(metrics)
  const counts = lines.filter((line) => line.includes('_bucket')).map((line) => line.split(' ')[1])
  expect(counts).toEqual(['1', '1', '1', '2', '2', '3', '3', '3', '3', '3', '3', '3', '4'])
  expect(lines).toContain('orchestrify_latency_seconds_bucket{service="web",le="0.12"} 3')
  expect(lines).toContain('orchestrify_latency_seconds_bucket{service="web",le="+Inf"} 4')
  expect(lines).toContain('orchestrify_latency_seconds_count{service="web"} 4')
  expect(lines.find((line) => line.includes('_sum'))).toMatch(/ 60\.153/)
  expect(await metrics.text()).toContain('# TYPE orchestrify_latency_seconds histogram')
})

test('a metric with too many series drops the ones beyond and counts what it refused', async () => {
  const metrics = createMetrics('test')
  const bounded = { name: 'paths_total', help: 'P.', labels: ['path'], seriesMax: 2 } as const
  const counter = metrics.counter(bounded)
  for (const path of ['/a', '/b', '/c', '/a', '/d']) counter.add({ path })
  const values = ['x', 'y', 'z'].map((path) => ({ labels: { path }, value: 1 }))
  metrics.exposeGauge({ ...bounded, name: 'now' }, () => values)
  await metrics.text()
  const lines = await ours(metrics)
  expect(lines.filter((line) => line.startsWith('orchestrify_paths_total'))).toEqual([
    'orchestrify_paths_total{path="/a"} 2',
    'orchestrify_paths_total{path="/b"} 1',
  ])
  expect(lines.filter((line) => line.startsWith('orchestrify_now'))).toHaveLength(2)
  expect(lines).toContain(
    'orchestrify_metric_updates_refused_total{metric="orchestrify_paths_total"} 2',
  )
})

test('a removed series makes room for another', async () => {
  const metrics = createMetrics('test')
  const gauge = metrics.gauge({ name: 'load', help: 'L.', labels: ['node'], seriesMax: 1 })
  gauge.set({ node: 'n1' }, 1)
  gauge.remove({ node: 'n1' })
  gauge.set({ node: 'n2' }, 2)
  expect(await ours(metrics)).toEqual(['orchestrify_load{node="n2"} 2'])
})

test('label values cannot break the format', async () => {
  const metrics = createMetrics('test')
  const gauge = metrics.gauge({ name: 'odd', help: 'O.', labels: ['name'] })
  gauge.set({ name: 'a"b\\c\nd' }, 1)
  gauge.set({ name: 'x'.repeat(10_000) }, 1)
  const lines = await ours(metrics)
  expect(lines[0]).toBe('orchestrify_odd{name="a\\"b\\\\c\\nd"} 1')
  expect(lines[1]?.length).toBeLessThan(300)
})

test('text() of two scrapes at once collects once', async () => {
  const metrics = createMetrics('test')
  let reads = 0
  metrics.exposeGauge({ name: 'one', help: 'O.', labels: [] }, () => {
    reads += 1
    return []
  })
  await Promise.all([metrics.text(), metrics.text()])
  expect(reads).toBe(1)
  await metrics.text()
  expect(reads).toBe(2)
})
