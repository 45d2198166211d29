import type { Server } from 'node:http'
import { createAdminServer, logLevelHandler } from '../shared/admin-server.ts'
import { RequestError } from '../shared/errors.ts'
import type { LogLevel } from '../shared/log.ts'
import { createMetrics, type Metrics } from '../shared/metrics.ts'
import type { HostLoad, PhaseKind } from '../shared/model.ts'
import { isErrno } from './drivers/process/errno.ts'

export interface Gauges {
  readonly hostLoad: () => HostLoad
  readonly phases: () => Iterable<PhaseKind>
  readonly isMasterAway: () => boolean
  readonly setLogLevel: (level: LogLevel) => void
}

export interface MetricsServer {
  readonly port: number
  close(): Promise<void>
}

const HOST = '127.0.0.1'
/** When the port is taken, this many after it are tried. */
const PORTS_TRIED_MAX = 100

/** Serves metrics, health and the level of the log on loopback, on the port or the next free one after it. */
export async function serveMetrics(gauges: Gauges, port: number): Promise<MetricsServer> {
  const metrics = describe(gauges)
  const server = createAdminServer({
    'GET /metrics': async () => {
      return { status: 200, type: metrics.contentType, text: await metrics.text() }
    },
    'GET /healthz': async () => ({ status: 200, type: 'text/plain', text: 'ok\n' }),
    'PUT /log-level': logLevelHandler(gauges.setLogLevel),
  })
  const taken = await listenNear(server, port)
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { port: taken, close }
}

function describe({ hostLoad, phases, isMasterAway }: Gauges): Metrics {
  const metrics = createMetrics('worker')
  const load = (name: string, help: string, value: (load: HostLoad) => number): void =>
    metrics.exposeGauge({ name, help, labels: [] }, () => [
      { labels: {}, value: value(hostLoad()) },
    ])
  load('node_cpu_percent', 'CPU in use on this machine.', (host) => host.cpuPercent)
  load('node_memory_percent', 'Memory in use on this machine.', (host) => host.memoryPercent)
  load('node_disk_percent', 'Disk in use under the data directory.', (host) => host.diskPercent)
  const bytes = { name: 'node_network_bytes_total', labels: ['direction'] } as const
  const help = 'Bytes over all interfaces but loopback since the boot.'
  metrics.exposeCounter({ ...bytes, help }, () => [
    { labels: { direction: 'in' }, value: hostLoad().networkInBytes },
    { labels: { direction: 'out' }, value: hostLoad().networkOutBytes },
  ])
  const replicas = { name: 'node_replicas', help: 'Replicas here.', labels: ['phase'] } as const
  metrics.exposeGauge(replicas, () => countPhases(phases()))
  const away = { name: 'worker_master_away', help: '1 while the master is silent.', labels: [] }
  metrics.exposeGauge(away, () => [{ labels: {}, value: isMasterAway() ? 1 : 0 }])
  return metrics
}

const PHASES: readonly PhaseKind[] = [
  'starting',
  'serving',
  'unhealthy',
  'waiting',
  'failed',
  'stopping',
]

function countPhases(phases: Iterable<PhaseKind>): { labels: { phase: string }; value: number }[] {
  const counts = new Map<PhaseKind, number>(PHASES.map((phase) => [phase, 0]))
  for (const phase of phases) counts.set(phase, (counts.get(phase) ?? 0) + 1)
  return [...counts].map(([phase, value]) => ({ labels: { phase }, value }))
}

async function listenNear(server: Server, port: number): Promise<number> {
  const last = port === 0 ? 0 : Math.min(65_535, port + PORTS_TRIED_MAX - 1)
  for (let next = port; next <= last; next += 1) {
    const taken = await listening(server, next)
    if (taken !== undefined) return taken
  }
  const all = `ports ${port} to ${last} are all in use`
  throw new RequestError(409, 'PORT_IN_USE', `Cannot serve metrics: ${all}; choose another --port`)
}

/** The port, or undefined when somebody else has it. */
function listening(server: Server, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const refused = (error: Error): void => {
      server.off('listening', accepted)
      if (isErrno(error, 'EADDRINUSE')) resolve(undefined)
      else reject(error)
    }
    const accepted = (): void => {
      server.off('error', refused)
      const address = server.address()
      resolve(typeof address === 'object' ? (address?.port ?? port) : port)
    }
    server.once('error', refused)
    server.once('listening', accepted)
    server.listen(port, HOST)
  })
}
