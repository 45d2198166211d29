/** What the flags of `run` and `--image-name` say, as the API takes it. */
import type { BalancePolicy, RouteRule, Stickiness } from '../../shared/model.ts'
import type { Arguments } from './arguments.ts'
import type { Options } from './command.ts'
import { usage } from './failure.ts'

export type ServiceInput = Readonly<Record<string, unknown>>

const REPLICAS_MAX = 10_000
const PORT_MAX = 65_535
const PIDS_MAX = 4_194_304

const BALANCE_POLICIES: readonly BalancePolicy[] = [
  'queue',
  'round-robin',
  'least-connections',
  'p2c',
  'peak-ewma',
]
const STICKINESSES: readonly Stickiness[] = ['none', 'cookie', 'client-ip']

export const specOptions: Options = {
  image: { kind: 'text', value: 'IMAGE', meaning: 'The image of its containers.' },
  environment: {
    kind: 'texts',
    alias: 'e',
    value: 'KEY:VALUE',
    meaning: 'A variable of its environment; repeatable, = is taken as well.',
  },
  env: { kind: 'texts', value: 'KEY:VALUE', meaning: 'The same as --environment.' },
  network: { kind: 'texts', value: 'NAME', meaning: 'A network of its containers; repeatable.' },
  volume: {
    kind: 'texts',
    value: 'NAME:/PATH[:ro]',
    meaning: 'A named volume in its containers; repeatable.',
  },
  label: { kind: 'texts', value: 'KEY=VALUE', meaning: 'A label of its containers; repeatable.' },
  user: { kind: 'text', value: 'USER[:GROUP]', meaning: 'Whom its containers run as.' },
  init: { kind: 'flag', meaning: 'A first process that reaps orphans. [default: yes]' },
  pull: { kind: 'text', value: 'missing|always', meaning: 'When its image is pulled.' },
  pids: { kind: 'text', value: 'N', meaning: 'The most processes inside one replica.' },
  objective: { kind: 'text', value: 'TEXT', meaning: 'Such as "p95 < 100ms".' },
  min: { kind: 'text', value: 'N', meaning: 'The fewest replicas.' },
  max: { kind: 'text', value: 'N', meaning: 'The most replicas.' },
  replicas: { kind: 'text', value: 'N', meaning: 'How many to begin with.' },
  autoscale: { kind: 'flag', meaning: 'Whether the master may change the count.' },
  route: {
    kind: 'texts',
    value: 'HOST/PATH',
    meaning: 'Where its requests come in: a host, a path, or both; repeatable.',
  },
  'slow-route': {
    kind: 'texts',
    value: 'HOST/PATH',
    meaning: 'A route whose requests take their time, whatever the objective; repeatable.',
  },
  balance: {
    kind: 'text',
    value: BALANCE_POLICIES.join('|'),
    meaning: 'How requests are given to replicas. [default: queue]',
  },
  sticky: {
    kind: 'text',
    value: STICKINESSES.join('|'),
    meaning: 'Whether a client stays with one replica. [default: none]',
  },
  health: {
    kind: 'text',
    value: '/PATH|image|tcp|none',
    meaning: 'Whether a replica is well: ask this path, the check of its image, or its port.',
  },
  concurrency: { kind: 'text', value: 'N', meaning: 'What one replica handles at once.' },
  cpu: { kind: 'text', value: 'CORES', meaning: 'The most CPU one replica may use.' },
  memory: { kind: 'text', value: '512m', meaning: 'The most memory one replica may use.' },
  'stop-grace': { kind: 'text', value: '10s', meaning: 'How long it may take to end.' },
}

/** Only what was given: the master knows the defaults. */
export function specOf(name: string, args: Arguments, command: readonly string[]): ServiceInput {
  const environment = environmentOf([...args.texts('environment'), ...args.texts('env')])
  return defined({
    name,
    image: args.text('image') ?? args.text('image-name'),
    command: command.length === 0 ? undefined : command,
    environment: orNothing(environment),
    ...containerOf(args),
    objective: args.text('objective'),
    min: args.whole('min', 0, REPLICAS_MAX),
    max: args.whole('max', 1, REPLICAS_MAX),
    replicas: args.whole('replicas', 0, REPLICAS_MAX),
    autoscale: args.flag('autoscale'),
    routes: listOf(routesOf(args)),
    balance: wordOf(args, 'balance', BALANCE_POLICIES),
    sticky: wordOf(args, 'sticky', STICKINESSES),
    health: healthOf(args.text('health')),
    concurrency: args.whole('concurrency', 1, REPLICAS_MAX),
    cpu: cores(args.text('cpu')),
    memory: args.text('memory'),
    stopGrace: args.text('stop-grace'),
  })
}

function containerOf(args: Arguments): Record<string, unknown> {
  return {
    networks: listOf(args.texts('network')),
    volumes: listOf(args.texts('volume')),
    labels: orNothing(labelsOf(args.texts('label'))),
    user: args.text('user'),
    init: args.flag('init'),
    pull: args.text('pull'),
    pids: args.whole('pids', 1, PIDS_MAX),
  }
}

/** `--port C` of `run`, or HOST:CONTAINER. */
export function portsOf(texts: readonly string[]): ServiceInput {
  const [text, other] = texts
  if (text === undefined) return {}
  if (other !== undefined) {
    throw usage(`Cannot use "${other}" for --port beside "${text}": a service has one port`)
  }
  const parts = text.split(':')
  const [first, second] = parts.map((part) => (/^\d+$/.test(part) ? Number(part) : Number.NaN))
  const port = second ?? first ?? Number.NaN
  const hostPort = second === undefined ? undefined : first
  const valid = [port, ...(hostPort === undefined ? [] : [hostPort])].every(isPort)
  if (parts.length <= 2 && valid) return defined({ port, hostPort })
  throw usage(`Cannot use "${text}" for --port: expected HOST:CONTAINER, such as 8080:80`)
}

/** KEY:VALUE, split at the first colon; KEY=VALUE when an equals sign comes before any colon. */
export function environmentOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, key, value] = /^([A-Za-z_][A-Za-z0-9_]*)[:=]([\s\S]*)$/.exec(text) ?? []
      if (key !== undefined && value !== undefined) return [key, value] as const
      const name = text.split(/[:=]/)[0] ?? ''
      throw usage(
        `Cannot use the variable "${name}": expected KEY:VALUE with a name of A-Z, 0-9, _`,
      )
    }),
  )
}

/** KEY=VALUE, split at the first equals sign. */
export function labelsOf(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=')
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)] as const
      throw usage(`Cannot use "${text}" for --label: expected KEY=VALUE`)
    }),
  )
}

function routesOf(args: Arguments): readonly RouteRule[] {
  const slow = args.texts('slow-route').map((text) => routeOf(text, 'slow-route'))
  const plain = args.texts('route').map((text) => routeOf(text))
  return [...plain, ...slow.map((route) => ({ ...route, slow: true }))]
}

function wordOf(args: Arguments, flag: string, words: readonly string[]): string | undefined {
  const text = args.text(flag)
  if (text === undefined || words.includes(text)) return text
  throw usage(`Cannot use "${text}" for --${flag}: expected one of ${words.join(', ')}`)
}

/** `example.com`, `/path` or `example.com/path`. */
export function routeOf(text: string, flag = 'route'): RouteRule {
  const at = text.indexOf('/')
  const host = at === -1 ? text : text.slice(0, at)
  const path = at === -1 ? '' : text.slice(at)
  if (text === '' || /\s/.test(text) || text.includes('://')) {
    throw usage(`Cannot use "${text}" for --${flag}: expected HOST, /PATH or HOST/PATH`)
  }
  return { ...(host === '' ? {} : { host }), ...(path === '' ? {} : { path }) }
}

const HEALTH_WORDS: readonly string[] = ['image', 'tcp', 'none']

function healthOf(text: string | undefined): object | undefined {
  if (text === undefined) return undefined
  if (text.startsWith('/')) return { http: text }
  if (HEALTH_WORDS.includes(text)) return { [text]: true }
  const words = HEALTH_WORDS.join(', ')
  throw usage(`Cannot use "${text}" for --health: expected a path that begins with /, or ${words}`)
}

function cores(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (/^\d+(\.\d+)?$/.test(text) && value > 0) return value
  throw usage(`Cannot use "${text}" for --cpu: expected a number of cores, such as 0.5`)
}

function isPort(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= PORT_MAX
}

function listOf<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length === 0 ? undefined : items
}

function orNothing<T extends object>(record: T): T | undefined {
  return Object.keys(record).length === 0 ? undefined : record
}

function defined(record: Record<string, unknown>): ServiceInput {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
