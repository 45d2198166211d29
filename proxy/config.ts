import { type ConfigOf, type ConfigSources, readConfig } from '../shared/config.ts'
import { RequestError } from '../shared/errors.ts'
import { choice, duration, flag, number, port, text, texts } from '../shared/knob.ts'
import { logKnobs } from '../shared/log-knobs.ts'
import type { QueueLimits, QueueRules } from './decide/queue-limits.ts'
import type { RetryLimits } from './decide/retry-budget.ts'
import type { EngineLimits } from './engine.ts'
import { lifeKnobs } from './life-knobs.ts'
import type { TrafficLimits } from './traffic.ts'

/** Rules of the queue, each of which can be switched off. */
export const RULES = ['objective-order', 'slow-aware', 'latency-ejection', 'hedging'] as const

const COUNT = { min: 1, max: 1_000_000, unit: 'count' } as const

export const proxyKnobs = {
  host: text({ flag: 'host', fallback: '127.0.0.1', meaning: 'Address the traffic comes in on.' }),
  port: port({ flag: 'port', fallback: 8080, meaning: 'Port the traffic comes in on.' }),
  adminHost: text({
    flag: 'admin-host',
    fallback: '127.0.0.1',
    meaning: 'Address of metrics, health and the routing table.',
  }),
  adminPort: port({
    flag: 'admin-port',
    fallback: 8081,
    meaning: 'Port of metrics, health and the routing table.',
  }),
  advertise: text<string | undefined>({
    flag: 'advertise',
    fallback: undefined,
    meaning: 'Address that clients reach this proxy at; without it the one the master sees.',
  }),
  masters: texts({
    flag: 'master-ip',
    env: 'ORCHESTRIFY_MASTER',
    fallback: ['http://127.0.0.1:18080'],
    meaning: 'URLs of the masters, the first is asked first.',
    aliases: [{ key: 'master' }],
  }),
  token: text<string | undefined>({
    flag: 'token',
    fallback: undefined,
    secret: true,
    meaning: 'Join token that "orchestrify token" printed on the master.',
  }),
  insecure: flag({
    flag: 'insecure',
    fallback: false,
    meaning: 'Talk plain HTTP to masters beyond this machine.',
  }),
  data: text({
    flag: 'data',
    fallback: './.orchestrify/proxy',
    meaning: 'Folder of what this proxy keeps: who it is, its last routing table.',
  }),
  routes: text<string | undefined>({
    flag: 'routes',
    fallback: undefined,
    meaning: 'File with a fixed routing table: the proxy then runs without a master.',
  }),
  connectionsMax: number(COUNT, {
    flag: 'connections-max',
    fallback: 10_000,
    meaning: 'Connections of clients open at once.',
  }),
  requestsMax: number(COUNT, {
    flag: 'requests-max',
    fallback: 10_000,
    meaning: 'Requests under way at once; more are answered with 503.',
  }),
  headerBytesMax: number(
    { min: 1_024, max: 1_048_576, unit: 'bytes' },
    { flag: 'header-bytes-max', fallback: 16_384, meaning: 'Size of the head of a message.' },
  ),
  headersMax: number(COUNT, {
    flag: 'headers-max',
    fallback: 200,
    meaning: 'Headers of one request; more are answered with 431.',
  }),
  headersTimeoutMs: duration({
    flag: 'headers-timeout',
    fallback: 10_000,
    meaning: 'How long a client may take to send the head of a request.',
  }),
  keepAliveMs: duration({
    flag: 'keep-alive',
    fallback: 75_000,
    meaning: 'How long an idle connection of a client is kept.',
  }),
  bodyIdleMs: duration({
    flag: 'body-idle',
    fallback: 60_000,
    meaning: 'How long a body may stand still, in either direction.',
  }),
  connectTimeoutMs: duration({
    flag: 'connect-timeout',
    fallback: 1_000,
    meaning: 'How long a replica may take to accept a connection.',
  }),
  answerTimeoutMs: duration({
    flag: 'answer-timeout',
    fallback: 60_000,
    meaning: 'How long a replica may take to begin its answer.',
  }),
  totalTimeoutMs: duration({
    flag: 'total-timeout',
    fallback: 3_600_000,
    meaning: 'How long a request may take in all; event streams and WebSockets are exempt.',
  }),
  lastingIdleMs: duration({
    flag: 'stream-idle',
    fallback: 3_600_000,
    meaning: 'How long an event stream or a WebSocket may stay silent.',
  }),
  upstreamConnectionsMax: number(COUNT, {
    flag: 'upstream-connections-max',
    fallback: 1_024,
    meaning: 'Connections to one replica.',
  }),
  upstreamIdleMs: duration({
    flag: 'upstream-idle',
    fallback: 4_000,
    meaning: 'How long an idle connection to a replica is kept; shorter than replicas keep it.',
  }),
  attemptsMax: number(
    { min: 1, max: 10, unit: 'count' },
    { flag: 'attempts-max', fallback: 3, meaning: 'Replicas asked for one request.' },
  ),
  retryPercent: number(
    { min: 0, max: 100, unit: 'percent', whole: false },
    { flag: 'retry-percent', fallback: 20, meaning: 'Retries per hundred requests of a service.' },
  ),
  retryReserve: number(
    { min: 0, max: 10_000, unit: 'count' },
    { flag: 'retry-reserve', fallback: 100, meaning: 'Retries of a service that may be saved up.' },
  ),
  engine: choice(['http1', 'http-proxy'], {
    flag: 'engine',
    fallback: 'http1',
    meaning: 'What carries the traffic: the own engine, or the package http-proxy.',
  }),
  transport: choice(['auto', 'handle', 'onread', 'data'], {
    flag: 'transport',
    fallback: 'auto',
    meaning: 'How the own engine moves bytes; "auto" is the fastest that passes a test at start.',
  }),
  trustedHops: number(
    { min: 0, max: 100, unit: 'count' },
    {
      flag: 'trusted-hops',
      fallback: 0,
      meaning: 'Proxies in front of this one whose X-Forwarded headers are believed.',
    },
  ),
  startsTraces: flag({
    flag: 'start-traces',
    fallback: true,
    meaning: 'Give requests without a valid traceparent header a new one.',
  }),
  waitingMax: number(COUNT, {
    flag: 'waiting-max',
    fallback: 1_000,
    meaning: 'Requests of a service that may wait for a replica; more are answered with 503.',
  }),
  waitMaxMs: duration({
    flag: 'wait-max',
    fallback: 5_000,
    meaning: 'How long a request may wait for a replica.',
  }),
  waitEmptyMaxMs: duration({
    flag: 'wait-first-max',
    fallback: 60_000,
    meaning: 'How long a request may wait for the first replica of a service to start.',
  }),
  permitsStart: number(COUNT, {
    flag: 'permits-start',
    fallback: 16,
    meaning: 'Requests a replica gets at once while nobody has learned what it can.',
  }),
  hedgePercent: number(
    { min: 0, max: 100, unit: 'percent', whole: false },
    {
      flag: 'hedge-percent',
      fallback: 5,
      meaning: 'Repeatable requests per hundred that a second replica may be asked as well.',
    },
  ),
  slowStartMs: duration({
    flag: 'slow-start',
    fallback: 0,
    meaning:
      'How long a new replica is spared at most, until it answers as fast as others; 0: not.',
  }),
  rulesOff: texts({
    flag: 'rule-off',
    fallback: [],
    meaning: `Rules of the queue that are switched off: ${RULES.join(', ')}.`,
  }),
  avoidMinMs: duration({
    flag: 'avoid-min',
    fallback: 1_000,
    meaning: 'How long a replica that failed is avoided at first.',
  }),
  failuresInRowMax: number(COUNT, {
    flag: 'avoid-after',
    fallback: 5,
    meaning: 'Failures in a row after which a replica is avoided.',
  }),
  stallMinMs: duration({
    flag: 'stall-min',
    fallback: 200,
    meaning: 'How long a replica with requests must be silent before it counts as stalled.',
  }),
  avoidMaxMs: duration({
    flag: 'avoid-max',
    fallback: 30_000,
    meaning: 'How long a replica that fails again and again is avoided at most.',
  }),
  measureEveryMs: duration({
    flag: 'measure-every',
    fallback: 1_000,
    meaning: 'How often measurements are sent to the master.',
  }),
  measureSpanMaxMs: duration({
    flag: 'measure-span-max',
    fallback: 10_000,
    meaning: 'How old measurements may be that no master has taken.',
  }),
  stopGraceMs: duration({
    flag: 'stop-grace',
    fallback: 30_000,
    meaning: 'How long requests under way may take to finish when the proxy stops.',
  }),
  ...lifeKnobs,
  ...logKnobs,
}

export type ProxyConfig = ConfigOf<typeof proxyKnobs>

export function readProxyConfig(sources: ConfigSources): ProxyConfig {
  return readConfig(proxyKnobs, sources)
}

export function engineLimits(config: ProxyConfig): EngineLimits {
  return config
}

export function trafficLimits(config: ProxyConfig): TrafficLimits {
  return { queue: queueLimits(config), retry: retryLimits(config) }
}

function retryLimits({ retryPercent, retryReserve }: ProxyConfig): RetryLimits {
  return { percent: retryPercent, reserve: retryReserve }
}

export function queueLimits(config: ProxyConfig): QueueLimits {
  const { waitingMax, waitMaxMs, waitEmptyMaxMs, permitsStart, hedgePercent, slowStartMs } = config
  const { avoidMinMs, avoidMaxMs, failuresInRowMax, stallMinMs } = config
  return {
    waitingMax,
    waitMaxMs,
    waitEmptyMaxMs,
    permitsStart,
    hedgePercent,
    slowStartMs,
    ejection: { avoidMinMs, avoidMaxMs, failuresInRowMax, stallMinMs },
    rules: { ...rulesOf(config.rulesOff), slowStart: slowStartMs > 0 },
  }
}

function rulesOf(off: readonly string[]): Omit<QueueRules, 'slowStart'> {
  const unknown = off.find((name) => !RULES.some((rule) => rule === name))
  if (unknown !== undefined) {
    const message = `Cannot switch off the rule "${unknown}": there are ${RULES.join(', ')}`
    throw new RequestError(400, 'USAGE', message)
  }
  return {
    objectiveOrder: !off.includes('objective-order'),
    slowAware: !off.includes('slow-aware'),
    latencyEjection: !off.includes('latency-ejection'),
    hedging: !off.includes('hedging'),
  }
}
