/** Puts the worker together from its configuration. */
import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Clock, repeat, systemClock } from '../shared/clock.ts'
import { checkMasterUrl, createControlClient } from '../shared/control-client.ts'
import { type Credential, forgetCredential, loadCredential } from '../shared/credential.ts'
import { invalid } from '../shared/errors.ts'
import type { Log, LogLevel } from '../shared/log.ts'
import type { HostLoad } from '../shared/model.ts'
import { Agent } from './agent.ts'
import { bindAddressOf } from './bind-address.ts'
import { directoryOf, mastersOf, type WorkerConfig } from './config.ts'
import { farewell } from './farewell.ts'
import { openHostLoad } from './host-load.ts'
import { localAddressTowards } from './local-address.ts'
import { LocalReplicas } from './local-replicas.ts'
import { lockDirectory } from './lock.ts'
import { createMasterLink } from './master-link.ts'
import { Membership } from './membership.ts'
import { type Gauges, serveMetrics } from './metrics.ts'
import { Obedience } from './obedience.ts'
import { openDriver } from './open-driver.ts'
import { Ports } from './ports.ts'
import { sample as sampleReplicas } from './sampling.ts'
import { StartProgress } from './start-progress.ts'
import { openStreamLink, type StreamLink } from './stream-link.ts'
import { createStreamServer } from './stream-server.ts'

export interface WorkerSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly log: Log
  readonly setLogLevel: (level: LogLevel) => void
  /** Aborts when the worker should end gracefully. */
  readonly leave: AbortSignal
}

const NAME_LENGTH_MAX = 128
const SAMPLE_EVERY_MS = 1_000

/** Runs until it was asked to leave or the node was removed; throws one sentence otherwise. */
export async function runWorker(config: WorkerConfig, around: WorkerSurroundings): Promise<void> {
  if (config.workerName.length > NAME_LENGTH_MAX) {
    throw invalid(`Cannot use "${config.workerName}" as --worker-name: it is too long`)
  }
  const directory = resolve(directoryOf(config))
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const unlock = await lockDirectory(directory)
  try {
    await runIn(directory, config, around)
  } finally {
    await unlock()
  }
}

async function runIn(
  directory: string,
  config: WorkerConfig,
  around: WorkerSurroundings,
): Promise<void> {
  const clock = systemClock
  const worker = await assemble({ ...around, directory, config, clock })
  const ending = new AbortController()
  const { agent, replicas, streams, sample, close } = worker
  try {
    await replicas.adopt()
    const converging = replicas.run(ending.signal)
    const sampling = repeat(sample, SAMPLE_EVERY_MS, clock, ending.signal)
    const serving = farewell({ agent, replicas, config, clock, log: around.log }, around.leave)
    const streaming = streams.run(ending.signal)
    // Whichever fails first ends the others.
    await Promise.race([serving, converging, sampling, streaming]).finally(() => ending.abort())
    await Promise.all([converging, sampling, streaming])
    if (agent.isRemoved) await forgetCredential(directory)
  } finally {
    ending.abort()
    await close()
  }
}

interface Assembled {
  readonly agent: Agent
  readonly replicas: LocalReplicas
  readonly streams: StreamLink
  readonly sample: () => Promise<void>
  readonly close: () => Promise<void>
}

interface Around extends WorkerSurroundings {
  readonly directory: string
  readonly config: WorkerConfig
  readonly clock: Clock
}

async function assemble(around: Around): Promise<Assembled> {
  const { directory, config, clock, log } = around
  const credential = await loadCredential(directory)
  const masters = checkedMasters(config, credential)
  const obedience = await Obedience.load(directory, log)
  const runtime = await openRuntime(around, obedience)
  const { state, driver, replicas, ports, progress } = runtime
  const client = createControlClient({ masters, ...trustOf(masters, config, credential) })
  const link = createMasterLink(client, config.heartbeatDeadlineMs)
  const identity = { name: config.workerName, driver: driver.name }
  const address = async () => config.advertise ?? localAddressTowards(masters[0] ?? '')
  const { capacity } = runtime
  const membership = new Membership({
    ...{ link, client, directory, masters, identity, address, capacity, credential },
  })
  const { setLogLevel } = around
  const metrics = await serveMetrics({ ...gaugesOf(state, replicas), setLogLevel }, config.port)
  const agent = new Agent({
    ...{ link, membership, obedience, replicas, clock, log, metricsPort: metrics.port },
    hostLoad: () => state.load,
    trouble: () => driver.trouble,
    boot: randomUUID(),
    onJoined: async (joined) => {
      state.host = await bindAddressOf(joined.address, config.bind)
      if (state.node === joined.node) return
      state.node = joined.node
      ports.startFrom(joined.node)
      // Only now it is known which replicas of this machine are ours, should that have been lost.
      await replicas.adopt()
    },
  })
  state.ring = () => agent.ring()
  state.isMasterAway = () => agent.isAway
  const serve = createStreamServer({ driver, progress, clock, log })
  const streams = openStreamLink({ client, node: () => agent.node, serve, clock, log })
  const close = async (): Promise<void> => {
    client.close()
    await Promise.all([metrics.close(), driver.close()])
  }
  return { agent, replicas, streams, sample: runtime.sample, close }
}

/** What runs replicas, without a word to any master. */
async function openRuntime(around: Around, obedience: Obedience) {
  const { directory, config, clock, log, environment } = around
  const ports = await Ports.load(config.portRange, directory, log)
  ports.startFrom(obedience.last?.node ?? config.workerName)
  const disks = [directory]
  const readHostLoad = await openHostLoad(() => disks)
  const state = await firstState(config, obedience, readHostLoad)
  const surroundings = () => {
    return { node: state.node, host: state.host, epoch: obedience.highest, environment }
  }
  const { driver, capacity } = await openDriver(config, { directory, clock, log, surroundings })
  const progress = new StartProgress(clock)
  const replicas = new LocalReplicas({
    ...{ driver, ports, clock, log, limits: config, host: () => state.host, progress },
    onChange: () => state.ring(),
    recall: (epoch) => obedience.recall(epoch),
  })
  const sample = async (): Promise<void> => {
    disks.splice(1, 1, ...(driver.storage === undefined ? [] : [driver.storage]))
    state.load = await readHostLoad()
    await sampleReplicas(replicas.all, driver)
  }
  return { state, driver, capacity, replicas, ports, progress, sample }
}

/** What becomes known only after the start, and who asks for it before. */
interface State {
  node: string
  host: string
  load: HostLoad
  ring: () => void
  isMasterAway: () => boolean
}

async function firstState(
  config: WorkerConfig,
  obedience: Obedience,
  readHostLoad: () => Promise<HostLoad>,
): Promise<State> {
  const { node = '', address = '127.0.0.1' } = obedience.last ?? {}
  const advertised = config.advertise ?? address
  return {
    node,
    host: await bindAddressOf(advertised, config.bind),
    load: await readHostLoad(),
    ring: () => undefined,
    isMasterAway: () => true,
  }
}

function checkedMasters(config: WorkerConfig, credential: Credential | undefined): string[] {
  const trusted = credential?.ca !== undefined
  const { insecure, token } = config
  return mastersOf(config).map((url) => checkMasterUrl(url, { insecure, token, trusted }))
}

/** Over plain HTTP a token proves nothing that loopback does not, so it is not sent. */
function trustOf(
  masters: readonly string[],
  { insecure, token }: WorkerConfig,
  credential: Credential | undefined,
): { insecure: boolean; token?: string | undefined; credential?: Credential | undefined } {
  const secure = masters.some((url) => url.startsWith('https:'))
  return { insecure, credential, token: secure ? token : undefined }
}

function gaugesOf(state: State, replicas: LocalReplicas): Omit<Gauges, 'setLogLevel'> {
  return {
    hostLoad: () => state.load,
    phases: () => [...replicas.reports.values()].map(({ phase }) => phase.kind),
    uses: () =>
      [...replicas.all].map(({ assigned, stats }) => {
        return { ...stats, service: assigned.serviceName, replica: assigned.replica }
      }),
    isMasterAway: () => state.isMasterAway(),
  }
}
