import { expect, onTestFinished, test } from 'vitest'
import { type Gauges, serveMetrics } from '../../worker/metrics.ts'

const levels: string[] = []
const TOTALS = {
  ...{ networkInBytes: 10, networkOutBytes: 20 },
  ...{ diskReadBytes: 30, diskWriteBytes: 40 },
}
const GAUGES: Gauges = {
  setLogLevel: (level) => levels.push(level),
  hostLoad: () => ({
    ...{ cpuPercent: 12.5, memoryPercent: 40, diskPercent: 70 },
    ...{ networkInBytes: 1_000, networkOutBytes: 2_000 },
  }),
  phases: () => ['serving', 'serving', 'starting'],
  uses: () => [
    { service: 'web', replica: 'r1', cpuPercent: 50, memoryMb: 2, ...TOTALS },
    { service: 'web', replica: 'r2', cpuPercent: 0, memoryMb: 1 },
    { service: 'api', replica: 'r3' },
  ],
  isMasterAway: () => true,
}

async function serve(port: number): Promise<string> {
  const server = await serveMetrics(GAUGES, port)
  onTestFinished(() => server.close())
  return `http://127.0.0.1:${server.port}`
}

test('serveMetrics() shows the machine, the replicas by phase and the master', async () => {
  const text = await (await fetch(`${await serve(0)}/metrics`)).text()
  const lines = text.split('\n').map((line) => line.replace(/program="worker",?/, ''))
  const shown = lines.map((line) => line.replace(',}', '}').replace('{}', ''))
  for (const line of [
    'orchestrify_node_cpu_percent 12.5',
    'orchestrify_node_memory_percent 40',
    'orchestrify_node_disk_percent 70',
    'orchestrify_node_network_bytes_total{direction="in"} 1000',
    'orchestrify_node_network_bytes_total{direction="out"} 2000',
    'orchestrify_node_replicas{phase="serving"} 2',
    'orchestrify_node_replicas{phase="starting"} 1',
    'orchestrify_node_replicas{phase="failed"} 0',
    'orchestrify_worker_master_away 1',
  ]) {
    expect(shown).toContain(line)
  }
})

test('serveMetrics() shows what each replica uses, and nothing where that is not known', async () => {
  const text = await (await fetch(`${await serve(0)}/metrics`)).text()
  const shown = text.split('\n').filter((line) => line.startsWith('orchestrify_replica_'))
  const of = (replica: string, more = '') => `${more}service="web",replica="${replica}"`
  const series = shown.map((line) => line.replace(/,?program="worker",?/, ''))
  expect(series.toSorted()).toEqual(
    [
      `orchestrify_replica_cpu_percent{${of('r1')}} 50`,
      `orchestrify_replica_cpu_percent{${of('r2')}} 0`,
      `orchestrify_replica_memory_bytes{${of('r1')}} 2097152`,
      `orchestrify_replica_memory_bytes{${of('r2')}} 1048576`,
      `orchestrify_replica_network_bytes_total{${of('r1', 'direction="in",')}} 10`,
      `orchestrify_replica_network_bytes_total{${of('r1', 'direction="out",')}} 20`,
      `orchestrify_replica_disk_bytes_total{${of('r1', 'direction="read",')}} 30`,
      `orchestrify_replica_disk_bytes_total{${of('r1', 'direction="write",')}} 40`,
    ].toSorted(),
  )
})

test('serveMetrics() takes the next free port when its own is taken', async () => {
  const first = await serve(0)
  const port = Number(new URL(first).port)
  const second = await serve(port)
  expect(Number(new URL(second).port)).toBeGreaterThan(port)
})

test('serveMetrics() answers whether it lives, and 404 for what it does not have', async () => {
  const url = await serve(0)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect((await fetch(`${url}/../etc/passwd`)).status).toBe(404)
})

test('serveMetrics() changes the level of the log, for this machine and no web page', async () => {
  const url = `${await serve(0)}/log-level`
  const set = (body: string, headers = {}) => fetch(url, { method: 'PUT', body, headers })
  expect((await set('debug')).status).toBe(200)
  expect((await set('loud')).status).toBe(422)
  expect((await set('x'.repeat(2_000))).status).toBe(413)
  expect((await set('error', { origin: 'http://evil.example' })).status).toBe(403)
  expect(levels).toEqual(['debug'])
})
