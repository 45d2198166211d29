import type { Server } from 'node:http'
import { createAdminServer, logLevelHandler } from '../shared/admin-server.ts'
import { RequestError } from '../shared/errors.ts'
import type { LogLevel } from '../shared/log.ts'
import { createMetrics, type Metrics, type Series } from '../shared/metrics.ts'
import type { HostLoad, PhaseKind } from '../shared/model.ts'
import type { ReplicaStats } from './drivers/driver.ts'
import { isErrno } from './drivers/process/errno.ts'

export interface Gauges {
  readonly hostLoad: () => HostLoad
  readonly phases: () => Iterable<PhaseKind>
  readonly uses: () => Iterable<ReplicaUse>
  readonly isMasterAway: () => boolean
  readonly setLogLevel: (level: LogLevel) => void
}

/** What one replica uses, as far as its driver knows. */
export interface ReplicaUse extends Partial<ReplicaStats> {
  /** The name of its service. */
  readonly service: string
  readonly replica: string
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

function describe({ hostLoad, phases, uses, isMasterAway }: Gauges): Metrics {
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
  describeUses(metrics, uses)
  return metrics
}

/** Of so many replicas one node tells; each has two series of the byte totals. */
const REPLICAS_MAX = 1_000
const OF_REPLICA = ['service', 'replica'] as const
const BYTES = 1_048_576

function describeUses(metrics: Metrics, uses: Gauges['uses']): void {
  const gauge = (name: string, help: string, value: UseValue): void =>
    metrics.exposeGauge({ name, help, labels: OF_REPLICA, seriesMax: REPLICAS_MAX }, () =>
      seriesOf(uses(), {}, value),
    )
  const totals = (name: string, help: string, ways: Readonly<Record<string, UseValue>>): void =>
    metrics.exposeCounter(
      { name, help, labels: [...OF_REPLICA, 'direction'], seriesMax: 2 * REPLICAS_MAX },
      () =>
        Object.entries(ways).flatMap(([direction, value]) =>
          seriesOf(uses(), { direction }, value),
        ),
    )
  gauge('replica_cpu_percent', 'CPU in use, 100 is one core.', (use) => use.cpuPercent)
  gauge('replica_memory_bytes', 'Memory in use.', ({ memoryMb }) =>
    memoryMb === undefined ? undefined : memoryMb * BYTES,
  )
  totals('replica_network_bytes_total', 'Bytes over its networks in its present run.', {
    in: (use) => use.networkInBytes,
    out: (use) => use.networkOutBytes,
  })
  totals('replica_disk_bytes_total', 'Bytes from and to disks in its present run.', {
    read: (use) => use.diskReadBytes,
    write: (use) => use.diskWriteBytes,
  })
}

type UseValue = (use: ReplicaUse) => number | undefined

/** What is not known has no series. */
function seriesOf<M extends Readonly<Record<string, string>>>(
  uses: Iterable<ReplicaUse>,
  more: M,
  value: UseValue,
): Series<'service' | 'replica' | (keyof M & string)>[] {
  return [...uses].flatMap((use) => {
    const found = value(use)
    if (found === undefined) return []
    return [{ labels: { ...more, service: use.service, replica: use.replica }, value: found }]
  })
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
