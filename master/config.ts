/** Everything that can be set on the master; `limits` of decisions and defaults of services too. */
import { type ConfigOf, type ConfigSources, readConfig } from '../shared/config.ts'
import { RequestError } from '../shared/errors.ts'
import {
  choice,
  duration,
  flag,
  inSeconds,
  type Knob,
  type KnobAlias,
  number,
  port,
  text,
  texts,
} from '../shared/knob.ts'
import { logKnobs } from '../shared/log-knobs.ts'
import { serviceKnobs } from './api/service-knobs.ts'

const MANY = 1_000_000

const serving = {
  hosts: texts({
    flag: 'host',
    fallback: ['127.0.0.1'],
    meaning: 'Address to listen on; several, or 0.0.0.0 for all.',
  }),
  port: port({ flag: 'port', fallback: 18_080, meaning: 'Port to listen on.' }),
  data: text({
    flag: 'data',
    fallback: './.orchestrify',
    meaning: 'Directory of the store and of the keys.',
  }),
  store: choice(['auto', 'embedded', 'memory'], {
    flag: 'store',
    fallback: 'auto',
    meaning:
      'Where the desired state is kept; auto is embedded, unless DATABASE_URL asks for more; ' +
      'memory forgets it at the end.',
  }),
  databaseUrl: text<undefined>({
    flag: 'database-url',
    env: 'DATABASE_URL',
    fallback: undefined,
    meaning: 'A database for the desired state. None is supported yet: refused with --store auto.',
    secret: true,
  }),
  redisUrl: text<undefined>({
    flag: 'redis-url',
    env: 'REDIS_URL',
    fallback: undefined,
    meaning: 'Where events are published. Not supported yet: a warning says so.',
    secret: true,
  }),
  insecure: flag({
    flag: 'insecure',
    fallback: false,
    meaning: 'Serve plain HTTP to everybody, not to loopback only.',
  }),
}

const watching = {
  heartbeatEveryMs: duration({
    flag: 'heartbeat-every',
    fallback: 1_000,
    meaning: 'How often workers report.',
  }),
  suspectAfterMs: duration({
    flag: 'suspect-after',
    fallback: 2_500,
    meaning: 'A node silent for so long gets nothing new.',
  }),
  lostAfterMs: duration({
    flag: 'lost-after',
    fallback: 5_000,
    meaning: 'The replicas of a node silent for so long are replaced.',
  }),
  proxyLeaseMs: duration({
    flag: 'proxy-lease',
    fallback: 5_000,
    meaning: 'A proxy silent for so long is not waited for.',
  }),
  busyCpuPercent: percent(
    'busy-cpu',
    85,
    'From this CPU load on a node takes nothing new; 100: never.',
  ),
  busyMemoryPercent: percent(
    'busy-memory',
    85,
    'From this memory load on it takes nothing new; 100: never.',
  ),
  busyDiskPercent: percent(
    'busy-disk',
    95,
    'From this disk use on it takes nothing new; 100: never.',
  ),
  drainMaxMs: duration({
    flag: 'drain-max',
    fallback: 30_000,
    meaning: 'A drain that no proxy acknowledges ends after this.',
  }),
  loopEveryMs: duration({
    flag: 'loop-every',
    fallback: 250,
    meaning: 'Decisions are made at least this often.',
  }),
}

const scaling = {
  scaleInAfterMs: duration({
    flag: 'scale-in-after',
    fallback: 60_000,
    meaning: 'How long a service must stay calm before it gives up a replica.',
    aliases: [inSeconds('scaling.scale_down_cooldown')],
  }),
  scaleUpCooldownMs: duration({
    flag: 'scale-up-cooldown',
    fallback: 0,
    meaning: 'The least time between two additions.',
    aliases: [inSeconds('scaling.scale_up_cooldown')],
  }),
  scaleWindowMs: duration({
    flag: 'scale-window',
    fallback: 10_000,
    meaning: 'The length of the stretches of demand that decisions compare.',
  }),
  samplesMin: number(
    { min: 1, max: MANY },
    { flag: 'samples-min', fallback: 20, meaning: 'Fewer requests than this judge nothing.' },
  ),
  effectWaitMs: duration({
    flag: 'effect-wait',
    fallback: 1_000,
    meaning: 'So long after a step old and new answers mix: it is not judged.',
  }),
  futileRetryMs: duration({
    flag: 'futile-retry',
    fallback: 600_000,
    meaning: 'When adding did not help, it is tried again after this.',
  }),
  startMarginMs: duration({
    flag: 'start-margin',
    fallback: 10_000,
    meaning: 'What a worker may take longer than a start may, before it is placed anew.',
  }),
  failureBackoffMs: duration({
    flag: 'failure-backoff',
    fallback: 1_000,
    meaning: 'The wait after a first failed start; it doubles.',
  }),
  failureBackoffMaxMs: duration({
    flag: 'failure-backoff-max',
    fallback: 60_000,
    meaning: 'The longest wait after failed starts.',
  }),
  replicasTotalMax: number<undefined>(
    { min: 1, max: MANY, unit: 'replicas' },
    {
      flag: 'replicas-max',
      fallback: undefined,
      meaning: 'The most replicas of the whole cluster; unlimited by default.',
      aliases: [{ key: 'orchestrator.max_containers' }],
    },
  ),
}

/** Shown as metrics, for alert rules to compare with. */
const alerts = {
  alertCpuPercent: percent('alert-cpu', 80, 'CPU load worth an alert.', 'alerts.cpu'),
  alertMemoryPercent: percent('alert-memory', 85, 'Memory load worth an alert.', 'alerts.memory'),
  alertDiskPercent: percent('alert-disk', 90, 'Disk use worth an alert.', 'alerts.disk'),
}

const keeping = {
  sampleEveryMs: duration({
    flag: 'sample-every',
    fallback: 10_000,
    meaning: 'How often telemetry is sampled.',
    aliases: [inSeconds('monitoring.interval')],
  }),
  retentionMs: duration({
    flag: 'retention',
    fallback: 86_400_000,
    meaning: 'How long telemetry is kept.',
    aliases: [
      inUnit('monitoring.metrics_retention', 'h'),
      inUnit('monitoring.retention_days', 'd'),
    ],
  }),
  snapshotEvery: number(
    { min: 10, max: MANY, unit: 'changes' },
    { flag: 'snapshot-every', fallback: 1_000, meaning: 'Fold the log after so many changes.' },
  ),
  keepEntries: number(
    { min: 0, max: MANY, unit: 'changes' },
    { flag: 'events-keep', fallback: 10_000, meaning: 'So many folded changes stay readable.' },
  ),
}

const api = {
  longPollMs: duration({
    flag: 'long-poll',
    fallback: 30_000,
    meaning: 'How long a request for news may wait.',
  }),
  longPollsMax: bound('api-long-polls-max', 10_000, 'Requests for news that may wait at once.'),
  streamsMax: bound('api-streams-max', 1_000, 'Event streams that may be open at once.'),
  reportsMax: bound('api-reports-max', 2_000, 'Reports of workers and proxies served at once.'),
  writesMax: bound('api-writes-max', 256, 'Changes of users served at once.'),
  readsMax: bound('api-reads-max', 128, 'Reads of users served at once.'),
}

export const masterKnobs = {
  ...serving,
  ...logKnobs,
  ...watching,
  ...scaling,
  ...serviceKnobs,
  ...alerts,
  ...keeping,
  ...api,
}

export type MasterConfig = ConfigOf<typeof masterKnobs>

/** Throws one sentence also when two values that are right alone do not go together. */
export function readMasterConfig(sources: ConfigSources): MasterConfig {
  const config = readConfig(masterKnobs, sources)
  if (config.databaseUrl !== undefined && config.store === 'auto') throw noDatabase()
  expectOrder(config, 'heartbeatEveryMs', 'suspectAfterMs')
  expectOrder(config, 'suspectAfterMs', 'lostAfterMs')
  expectOrder(config, 'serviceMin', 'serviceMax')
  expectOrder(config, 'failureBackoffMs', 'failureBackoffMaxMs')
  for (const name of POSITIVE) if (config[name] <= 0) throw wrong(name, 'must be more than 0')
  return config
}

/** To keep the state elsewhere than asked, silently, would be the worst answer. */
function noDatabase(): RequestError {
  const remedy = 'unset it, or pass --store embedded to keep the state in the data directory'
  return new RequestError(
    400,
    'USAGE',
    `Cannot use DATABASE_URL: no database is supported yet; ${remedy}`,
  )
}

type NumberName = 'serviceMin' | 'serviceMax' | (typeof POSITIVE)[number] | 'failureBackoffMaxMs'

const POSITIVE = [
  'heartbeatEveryMs',
  'suspectAfterMs',
  'lostAfterMs',
  'proxyLeaseMs',
  'drainMaxMs',
  'loopEveryMs',
  'scaleWindowMs',
  'failureBackoffMs',
  'longPollMs',
] as const

function expectOrder(config: MasterConfig, small: NumberName, large: NumberName): void {
  if (config[small] <= config[large]) return
  throw wrong(small, `must not be more than --${masterKnobs[large].flag}`)
}

function wrong(name: NumberName, what: string): RequestError {
  const message = `Cannot use this configuration: --${masterKnobs[name].flag} ${what}`
  return new RequestError(400, 'USAGE', message)
}

function percent(name: string, fallback: number, meaning: string, alias?: string): Knob<number> {
  const aliases = alias === undefined ? [] : [{ key: alias }]
  return number({ min: 1, max: 100, unit: 'percent' }, { flag: name, fallback, meaning, aliases })
}

function bound(name: string, fallback: number, meaning: string): Knob<number> {
  return number({ min: 1, max: MANY }, { flag: name, fallback, meaning })
}

function inUnit(key: string, unit: string): KnobAlias {
  return { key, convert: (raw) => (typeof raw === 'number' ? `${raw}${unit}` : raw) }
}
