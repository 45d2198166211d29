/** Everything that can be set on the worker. */
import { hostname } from 'node:os'
import type { ConfigOf } from '../shared/config.ts'
import { choice, duration, flag, type Knob, number, port, text, texts } from '../shared/knob.ts'
import { logKnobs } from '../shared/log-knobs.ts'
import { type PortRange, parsePortRange } from './ports.ts'

const cluster = {
  masterIp: texts({
    flag: 'master-ip',
    fallback: [],
    meaning: 'URL of a master; several for several masters.',
  }),
  master: texts({
    flag: 'master',
    fallback: [],
    meaning: 'The same as --master-ip; without either, http://127.0.0.1:18080.',
  }),
  token: text<undefined>({
    flag: 'token',
    fallback: undefined,
    meaning: 'The token of the join line; needed once, over https.',
    secret: true,
  }),
  insecure: flag({
    flag: 'insecure',
    fallback: false,
    meaning: 'Allow plain HTTP to a master that is not on this machine.',
  }),
  heartbeatDeadlineMs: duration({
    flag: 'heartbeat-deadline',
    fallback: 2_000,
    meaning: 'How long the master may take to answer a report.',
  }),
}

const node = {
  workerName: text({
    flag: 'worker-name',
    fallback: hostname(),
    fallbackShown: 'the host name',
    meaning: 'The name of this node; the same name is the same node. The host name by default.',
  }),
  advertise: text<undefined>({
    flag: 'advertise',
    fallback: undefined,
    meaning:
      'The address at which proxies reach this machine; by default the local end of the way to the master.',
  }),
  bind: text<undefined>({
    flag: 'bind',
    fallback: undefined,
    meaning: 'The address of this machine that replicas listen on; by default the advertised one.',
  }),
  driver: choice(['docker', 'process', 'auto'], {
    flag: 'driver',
    fallback: 'docker',
    meaning:
      'What runs replicas here, fixed when the worker first joins; auto: docker where an engine answers.',
  }),
  dockerHost: text<undefined>({
    flag: 'docker-host',
    env: 'DOCKER_HOST',
    fallback: undefined,
    meaning: 'Address of the Docker Engine; by default unix:///var/run/docker.sock.',
  }),
  dockerConfig: text<undefined>({
    flag: 'docker-config',
    env: 'DOCKER_CONFIG',
    fallback: undefined,
    meaning:
      "Directory of Docker's config.json with credentials of registries; by default ~/.docker.",
  }),
  data: text<undefined>({
    flag: 'data',
    fallback: undefined,
    meaning: 'Directory of this worker; by default ./.orchestrify/worker-NAME.',
  }),
  portRange: portRange(),
  onExit: choice(['keep', 'stop'], {
    flag: 'on-exit',
    fallback: 'keep',
    meaning: 'What becomes of replicas that could not move when the worker ends.',
  }),
  leaveGraceMs: duration({
    flag: 'leave-grace',
    fallback: 60_000,
    meaning: 'How long a worker that ends waits for its replicas to move.',
  }),
}

const replicas = {
  backoffMs: duration({
    flag: 'restart-backoff',
    fallback: 1_000,
    meaning: 'The wait before a replica that died starts again; it doubles.',
  }),
  backoffMaxMs: duration({
    flag: 'restart-backoff-max',
    fallback: 60_000,
    meaning: 'The longest wait before a restart.',
  }),
  calmAfterMs: duration({
    flag: 'restart-calm',
    fallback: 60_000,
    meaning: 'After serving so long a death counts as the first one.',
  }),
  failedStartsMax: number(
    { min: 1, max: 1_000, unit: 'starts' },
    {
      flag: 'failed-starts-max',
      fallback: 3,
      meaning: 'A replica that dies so often before it ever served is given back to the master.',
    },
  ),
  startDeadlineMs: duration({
    flag: 'start-deadline',
    fallback: 60_000,
    meaning: 'How long the driver may take to start a replica.',
  }),
  stopGraceMaxMs: duration({
    flag: 'stop-grace-max',
    fallback: 300_000,
    meaning: 'The longest a replica may take to end, whatever its service asks for.',
  }),
}

const telling = {
  port: port({
    flag: 'port',
    fallback: 18_081,
    meaning: 'Port of /metrics on 127.0.0.1; the next free one when it is taken.',
  }),
  ...logKnobs,
}

export const workerKnobs = { ...cluster, ...node, ...replicas, ...telling }

export type WorkerConfig = ConfigOf<typeof workerKnobs>

const DEFAULT_MASTER = 'http://127.0.0.1:18080'

/** All masters that were named, each once. */
export function mastersOf({ masterIp, master }: WorkerConfig): readonly string[] {
  const named = new Set([...masterIp, ...master].map((url) => url.trim()).filter(Boolean))
  return named.size === 0 ? [DEFAULT_MASTER] : [...named]
}

/** Directory names are spared what a name may hold. */
export function directoryOf({ data, workerName }: WorkerConfig): string {
  return data ?? `./.orchestrify/worker-${workerName.replace(/[^\w.-]/g, '_')}`
}

function portRange(): Knob<PortRange> {
  const described = text({
    flag: 'port-range',
    fallback: '20000-29999',
    meaning: 'Ports that replicas get on this machine, FIRST-LAST.',
  })
  const parse = (raw: unknown): PortRange => parsePortRange(String(raw))
  const fallback = Object.assign(parse(described.fallback), { toString: () => described.fallback })
  return { ...described, unit: 'ports', fallback, parse }
}
