/** What the engine is asked to make of an assigned replica. Pure. */
import type { ContainerCreateOptions, HealthConfig, HostConfig } from 'dockerode'
import { invalid, RequestError } from '../../../shared/errors.ts'
import type { AssignedReplica } from '../../../shared/protocol.ts'
import { environmentOf } from './container-environment.ts'
import type { ImageFacts } from './images.ts'
import { labelsOf, nameOf, type Place, shortOf } from './labels.ts'
import { endpointOf, networksOf } from './network-choice.ts'

/** What is known of the engine and of the image. */
export interface Ground {
  readonly cpus: number
  readonly loggingDriver: string
  /** Whether the image's check may run more often while a replica starts. */
  readonly hasStartInterval: boolean
  readonly image: ImageFacts
}

const CAPABILITIES = [
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'SETGID',
  'SETUID',
  'NET_BIND_SERVICE',
  'KILL',
]

const BYTES_PER_MB = 1_048_576
const NANOS_PER_CPU = 1e9
const NANOS_PER_MS = 1e6
const START_CHECK_MS = 1_000
const DEFAULT_PORT = 8_080

/** Drivers that keep what is printed on this machine: nothing else bounds them. */
const LOCAL_LOGS = ['json-file', 'local']
const LOG_LIMITS = { 'max-size': '10m', 'max-file': '2' }

export function containerOf(
  assigned: AssignedReplica,
  place: Place,
  ground: Ground,
): ContainerCreateOptions {
  const port = portOf(assigned, ground.image.exposedPorts)
  const [network] = networksOf(assigned)
  const { command, user, image = '' } = assigned
  return {
    name: nameOf(assigned),
    Hostname: shortOf(assigned.replica),
    // The engine does not know an image by a tag and a digest at once.
    Image: image.includes('@') ? ground.image.id : image,
    ...(command.length === 0 ? {} : { Cmd: [...command] }),
    ...(user === undefined ? {} : { User: user }),
    Env: [...environmentOf(assigned, { port, node: place.node })],
    Labels: { ...labelsOf(assigned, place) },
    ExposedPorts: { [`${port}/tcp`]: {} },
    StopTimeout: secondsOf(assigned.stopGraceMs),
    ...healthOf(assigned, ground),
    HostConfig: hostConfigOf(assigned, { ...place, inner: port }, ground),
    ...(network === undefined
      ? {}
      : { NetworkingConfig: { EndpointsConfig: { [network]: endpointOf(network, assigned) } } }),
  }
}

/** The engine counts the time it waits in seconds. */
export function secondsOf(graceMs: number): number {
  return Math.ceil(graceMs / 1_000)
}

function portOf(assigned: AssignedReplica, exposed: readonly number[]): number {
  const [only, ...others] = exposed
  if (assigned.port !== undefined) return assigned.port
  if (others.length === 0) return only ?? DEFAULT_PORT
  const state = `its image exposes the ports ${exposed.join(', ')}; name the one that serves`
  throw new RequestError(422, 'PORT_UNCLEAR', `Cannot start "${assigned.serviceName}": ${state}`)
}

function hostConfigOf(
  assigned: AssignedReplica,
  place: Place & { readonly inner: number },
  { cpus, loggingDriver }: Ground,
): HostConfig {
  const { cpuLimit, memoryLimitMb, pidsMax } = assigned.resources
  const memory = Math.floor(memoryLimitMb * BYTES_PER_MB)
  const [network] = networksOf(assigned)
  return {
    Init: assigned.init,
    // An engine refuses more than it has; so does a limit that is larger than that.
    NanoCpus: Math.round(Math.min(cpuLimit, cpus) * NANOS_PER_CPU),
    Memory: memory,
    // The same again: no swap.
    MemorySwap: memory,
    PidsLimit: pidsMax,
    SecurityOpt: ['no-new-privileges:true'],
    CapDrop: ['ALL'],
    CapAdd: CAPABILITIES,
    PortBindings: {
      [`${place.inner}/tcp`]: [{ HostIp: place.host, HostPort: String(place.port) }],
    },
    PublishAllPorts: false,
    RestartPolicy: { Name: 'no' },
    ...(network === undefined ? {} : { NetworkMode: network }),
    Mounts: mountsOf(assigned),
    ...(LOCAL_LOGS.includes(loggingDriver)
      ? { LogConfig: { Type: loggingDriver, Config: LOG_LIMITS } }
      : {}),
  }
}

const VOLUME = /^[a-zA-Z0-9][\w.-]*$/

function mountsOf({ serviceName, volumes }: AssignedReplica): HostConfig['Mounts'] {
  return volumes.map(({ volume, path, readOnly }) => {
    // A path would be a folder of this machine.
    if (!VOLUME.test(volume)) {
      throw invalid(`Cannot start "${serviceName}": "${volume}" is no name of a volume`)
    }
    return { Type: 'volume', Source: volume, Target: path, ReadOnly: readOnly }
  })
}

/** A check that nobody asks for only costs time; one that is asked for is soon heard of. */
function healthOf({ health }: AssignedReplica, ground: Ground): { Healthcheck?: HealthConfig } {
  if (health.probe.kind !== 'image') return { Healthcheck: { Test: ['NONE'] } }
  if (!ground.image.hasHealthcheck || !ground.hasStartInterval) return {}
  const StartInterval = START_CHECK_MS * NANOS_PER_MS
  return { Healthcheck: { StartPeriod: health.startMaxMs * NANOS_PER_MS, StartInterval } }
}
