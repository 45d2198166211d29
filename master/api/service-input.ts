/** What a user writes about a service, checked strictly and filled with defaults. */
import { z } from 'zod'
import { invalid } from '../../shared/errors.ts'
import type { Bounds, Probe, Resources, RouteRule, ServiceSpec } from '../../shared/model.ts'
import { balanceSchema } from '../../shared/protocol.ts'
import type { ScaleRequest, ServiceRequest } from '../decide/intents/service.ts'
import { containerOf, containerShape, namesOneOrMany } from './container-input.ts'
import {
  amountOfMemory,
  argument,
  cores,
  environmentKey,
  environmentValue,
  image,
  latencyObjective,
  name,
  port,
  probePath,
  replicas,
  replicasMax,
  routeHost,
  routePath,
  spanMs,
} from './fields.ts'
import { parseObjective } from './objective.ts'
import { parsed } from './parsed.ts'
import type { ServiceDefaults } from './service-knobs.ts'

const COMMAND_MAX = 256
const ENVIRONMENT_MAX = 500
const ROUTES_MAX = 100
const CONCURRENCY_MAX = 100_000

const health = z
  .strictObject({
    http: probePath.optional(),
    tcp: z.literal(true).optional(),
    command: z.array(argument).min(1).max(COMMAND_MAX).optional(),
    image: z.literal(true).optional(),
    none: z.literal(true).optional(),
    interval: spanMs(100, 3_600_000).optional(),
    timeout: spanMs(10, 600_000).optional(),
    failures: z.number().int().min(1).max(100).optional(),
    successes: z.number().int().min(1).max(100).optional(),
    start: spanMs(100, 3_600_000).optional(),
  })
  .refine(
    ({ http, tcp, command, image, none }) =>
      [http, tcp, command, image, none].filter(isGiven).length <= 1,
    'only one of http, tcp, command, image and none can be asked',
  )

const route = z
  .strictObject({
    host: routeHost.optional(),
    path: routePath.optional(),
    slow: z.boolean().optional(),
  })
  .refine(({ host, path }) => host !== undefined || path !== undefined, 'needs a host or a path')
  .refine(
    ({ host, path = '' }) => host !== undefined || !/^\/s(\/|$)/.test(path),
    'paths under /s lead to services by name',
  )

const fields = z.strictObject({
  name,
  image: image.optional(),
  command: z.array(argument).max(COMMAND_MAX).optional(),
  environment: z
    .record(environmentKey, environmentValue)
    .refine((all) => Object.keys(all).length <= ENVIRONMENT_MAX, 'too many variables')
    .optional(),
  port: port.optional(),
  hostPort: port.optional(),
  objective: latencyObjective.optional(),
  min: replicas.optional(),
  max: replicasMax.optional(),
  replicas: replicas.optional(),
  autoscale: z.boolean().optional(),
  routes: z
    .array(route)
    .max(ROUTES_MAX)
    .refine(areOfOneMind, 'a route cannot be both slow and not')
    .optional(),
  health: health.optional(),
  cpu: cores.refine((given) => given > 0, 'expected more than 0').optional(),
  memory: amountOfMemory.optional(),
  reserve: z.strictObject({ cpu: cores.optional(), memory: amountOfMemory.optional() }).optional(),
  stopGrace: spanMs(0, 3_600_000).optional(),
  concurrency: z.number().int().min(1).max(CONCURRENCY_MAX).optional(),
  balance: balanceSchema.shape.policy.optional(),
  sticky: balanceSchema.shape.sticky.optional(),
  ...containerShape,
})
const schema = fields.refine(namesOneOrMany, 'network and networks cannot both be given')

type ServiceInput = z.infer<typeof schema>

/** Throws a sentence with one detail for each thing that is wrong. */
export function readService(body: unknown, defaults: ServiceDefaults): ServiceRequest {
  const input = parsed(schema, body, 'Cannot accept this service')
  if (input.image === undefined && (input.command?.length ?? 0) === 0) {
    throw invalid(`Cannot run service "${input.name}": it has neither an image nor a command`)
  }
  const { image, port, hostPort, concurrency } = input
  const spec: ServiceSpec = {
    name: input.name,
    command: input.command ?? [],
    environment: input.environment ?? {},
    objective: input.objective ?? parseObjective(defaults.objective),
    bounds: boundsOf(input, defaults),
    autoscale: input.autoscale ?? defaults.autoscale,
    routes: (input.routes ?? []).map(routeOf),
    health: healthOf(input, defaults),
    resources: resourcesOf(input, defaults),
    stopGraceMs: input.stopGrace ?? defaults.stopGraceMs,
    balance: { policy: input.balance ?? 'queue', sticky: input.sticky ?? 'none' },
    ...containerOf(input),
    ...given({ image, port, hostPort, concurrency }),
  }
  return { spec, ...given({ replicas: input.replicas }) }
}

const scaleSchema = z
  .strictObject({
    replicas: replicas.optional(),
    min: replicas.optional(),
    max: replicasMax.optional(),
    autoscale: z.boolean().optional(),
  })
  .refine((wanted) => Object.values(wanted).some(isGiven), 'says nothing to change')

export function readScale(body: unknown): ScaleRequest {
  return given(parsed(scaleSchema, body, 'Cannot scale like this'))
}

/** A bound that is not given gives way to those that are. */
function boundsOf(input: ServiceInput, defaults: ServiceDefaults): Bounds {
  const { min, max, replicas } = input
  const upper = Math.min(max ?? defaults.serviceMin, replicas ?? defaults.serviceMin)
  const replicasMin = min ?? Math.min(defaults.serviceMin, upper)
  const lower = Math.max(replicasMin, replicas ?? 0)
  return { replicasMin, replicasMax: max ?? Math.max(defaults.serviceMax, lower) }
}

function healthOf(input: ServiceInput, defaults: ServiceDefaults): ServiceSpec['health'] {
  const { health = {} } = input
  return {
    probe: probeOf(health, defaults),
    intervalMs: health.interval ?? defaults.healthEveryMs,
    timeoutMs: health.timeout ?? defaults.healthTimeoutMs,
    failuresMax: health.failures ?? defaults.healthFailuresMax,
    successesMin: health.successes ?? defaults.healthSuccessesMin,
    startMaxMs: health.start ?? defaults.startMaxMs,
  }
}

function probeOf(asked: NonNullable<ServiceInput['health']>, defaults: ServiceDefaults): Probe {
  if (asked.http !== undefined) return { kind: 'http', path: asked.http }
  if (asked.command !== undefined) return { kind: 'command', command: asked.command }
  if (asked.tcp === true) return { kind: 'tcp' }
  if (asked.image === true) return { kind: 'image' }
  if (asked.none === true) return { kind: 'none' }
  if (defaults.healthType === 'http') return { kind: 'http', path: '/health' }
  return { kind: defaults.healthType }
}

/** Reservations that are not given never exceed the limits that are. */
function resourcesOf(input: ServiceInput, defaults: ServiceDefaults): Resources {
  const cpuLimit = input.cpu ?? defaults.cpuLimit
  const memoryLimitMb = input.memory ?? defaults.memoryLimitMb
  const cpuReserved = input.reserve?.cpu ?? Math.min(defaults.cpuReserved, cpuLimit)
  const memoryReservedMb =
    input.reserve?.memory ?? Math.min(defaults.memoryReservedMb, memoryLimitMb)
  if (cpuReserved > cpuLimit) {
    throw invalid(
      `Cannot reserve ${cpuReserved} cores for "${input.name}": its limit is ${cpuLimit}`,
    )
  }
  if (memoryReservedMb > memoryLimitMb) {
    const limit = `its limit is ${memoryLimitMb} MB`
    throw invalid(`Cannot reserve ${memoryReservedMb} MB for "${input.name}": ${limit}`)
  }
  const pidsMax = input.pids ?? defaults.pidsMax
  return { cpuLimit, memoryLimitMb, cpuReserved, memoryReservedMb, pidsMax }
}

function routeOf({ host, path, slow }: z.infer<typeof route>): RouteRule {
  return { ...given({ host, path }), ...(slow === true ? { slow } : {}) }
}

/** Whether rules for the same requests agree on how long these may take. */
function areOfOneMind(rules: readonly z.infer<typeof route>[]): boolean {
  const slow = new Map<string, boolean>()
  return rules.every(({ host = '', path = '/', slow: says = false }) => {
    const key = `${host} ${path}`
    const known = slow.get(key) ?? says
    slow.set(key, known)
    return known === says
  })
}

function isGiven(value: unknown): boolean {
  return value !== undefined
}

type Given<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

/** What is undefined is left out. */
function given<T extends object>(all: T): Given<T> {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => isGiven(value))) as Given<T>
}
