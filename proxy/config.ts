import { type ConfigOf, type ConfigSources, readConfig } from '../shared/config.ts'
import { duration, flag, number, port, text, texts } from '../shared/knob.ts'
import { logKnobs } from '../shared/log-knobs.ts'
import type { EngineLimits } from './engine.ts'
import type { TrafficLimits } from './traffic.ts'

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
  avoidMinMs: duration({
    flag: 'avoid-min',
    fallback: 1_000,
    meaning: 'How long a replica that failed is avoided at first.',
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
  return {
    ejection: { avoidMinMs: config.avoidMinMs, avoidMaxMs: config.avoidMaxMs },
    retry: { percent: config.retryPercent, reserve: config.retryReserve },
  }
}
