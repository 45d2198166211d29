/** A cluster on two Docker hosts of a lab, with replicas as containers. */
import type { ReplicaView } from '../../shared/api.ts'
import { Cluster } from '../support/cluster.ts'
import { onHosts } from '../support/ground.ts'
import { Lab } from '../support/lab.ts'
import { insidePid } from '../support/lab-group.ts'
import type { LabHost } from '../support/lab-host.ts'
import { socketFetch } from '../support/socket-fetch.ts'
import { until } from '../support/until.ts'
import {
  type Arena,
  idle,
  PROXY_NOTES,
  polledStart,
  programWeights,
  REQUESTS_PER_SECOND,
  reaction,
  SLOW_MS,
  type Weights,
} from './arena.ts'
import { rssMb } from './process-tree.ts'

const IMAGE = 'service:1'
const SMALL_IMAGE = 'small:1'
const CONTAINERS = 50
const PORT = 9_000

export async function openDockerArena(): Promise<Arena> {
  const lab = await Lab.start({ hosts: 2 })
  for (const host of lab.hosts) {
    await lab.importImage(host, IMAGE, 'node')
    await lab.importImage(host, SMALL_IMAGE)
  }
  const cluster = await Cluster.start({ workers: 2, proxies: 1, ground: onHosts(lab) })
  const [host] = lab.hosts
  if (host === undefined) throw new Error('there is no host')
  return {
    notes: {
      ...PROXY_NOTES,
      reaction_minus_start_ms_p50: `the slow answer takes ${SLOW_MS} ms of service time, included`,
      [`rss_mb.worker_${CONTAINERS}_containers`]: 'in a full run only',
      bare_start_ms_p50: 'create and start by the engine’s API, image present, to the first answer',
    },
    react: () => react(cluster, lab),
    bareStart: () => bareStart(lab, host),
    weigh: (quick) => weigh(cluster, quick),
    close: () => cluster.stop(),
  }
}

async function react(cluster: Cluster, lab: Lab): Promise<number> {
  const environment = { DELAY_FILE: '/tmp/delay' }
  const health = { http: '/health', interval: '1s' }
  await cluster.api('/v1/services', 'POST', { name: 'web', image: IMAGE, environment, health })
  const [old] = await cluster.serves('web', 1, 60_000)
  const load = await cluster.load('web', REQUESTS_PER_SECOND)
  try {
    return await reaction(load, old?.id ?? '', () => slowDown(old, lab))
  } finally {
    await load.stop()
    await removed(cluster, 'web')
  }
}

function slowDown(replica: ReplicaView | undefined, lab: Lab): Promise<string> {
  const host = lab.host(replica?.nodeName ?? '')
  const script = `echo ${SLOW_MS} > /tmp/delay`
  return host.docker(['exec', replica?.handle ?? '', 'sh', '-c', script])
}

async function bareStart(lab: Lab, host: LabHost): Promise<number> {
  const port = `${PORT}/tcp`
  const wanted = {
    Image: IMAGE,
    Env: [`PORT=${PORT}`, 'HOST=0.0.0.0'],
    ExposedPorts: { [port]: {} },
    HostConfig: {
      Init: true,
      PortBindings: { [port]: [{ HostIp: host.address, HostPort: String(PORT) }] },
    },
  }
  const asked = (): Promise<boolean> =>
    lab.fetch(`http://${host.address}:${PORT}/health`).then(
      ({ status }) => status === 200,
      () => false,
    )
  const begunMs = Date.now()
  const { Id } = JSON.parse(await engine(host, 'POST', '/containers/create', wanted))
  try {
    await engine(host, 'POST', `/containers/${Id}/start`)
    await polledStart(asked)
    return Date.now() - begunMs
  } finally {
    await engine(host, 'DELETE', `/containers/${Id}?force=true`)
  }
}

async function engine(
  { socketPath }: LabHost,
  method: string,
  path: string,
  body?: unknown,
): Promise<string> {
  const headers = { 'content-type': 'application/json' }
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers }
  const { status, text } = await socketFetch(socketPath, `http://d${path}`, { method, ...sent })
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`)
  return text
}

async function weigh(cluster: Cluster, quick: boolean): Promise<Weights> {
  await idle(quick)
  const programs = programWeights({
    master: cluster.master?.pid ?? 0,
    worker: workerPid(cluster),
    proxy: cluster.proxies[0]?.program.pid ?? 0,
  })
  const name = `rss_mb.worker_${CONTAINERS}_containers`
  if (quick) return { ...programs, [name]: null }
  await cluster.cli('cordon', 'w2')
  const count = { min: CONTAINERS, max: CONTAINERS }
  const small = { cpu: 0.1, memory: '16m', reserve: { cpu: 0, memory: '4m' } }
  const spec = { name: 'many', image: SMALL_IMAGE, ...count, ...small, autoscale: false }
  await cluster.api('/v1/services', 'POST', spec)
  await cluster.serves('many', CONTAINERS, 180_000)
  await idle(quick)
  const weight = rssMb(workerPid(cluster))
  await removed(cluster, 'many')
  await cluster.cli('open', 'w2')
  return { ...programs, [name]: weight }
}

/** The worker runs inside the host; outside, another process stands for it. */
function workerPid(cluster: Cluster): number {
  return insidePid(cluster.workers.get('w1')?.pid ?? 0) ?? 0
}

async function removed(cluster: Cluster, name: string): Promise<void> {
  await cluster.api(`/v1/services/${name}`, 'DELETE')
  const isGone = async (): Promise<boolean> =>
    (await cluster.call(`/v1/services/${name}`)).status === 404
  await until(isGone, { timeoutMs: 180_000 })
}
