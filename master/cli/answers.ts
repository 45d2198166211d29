/** The master's answers, parsed once: a command shows nothing that it has not understood. */
import { z } from 'zod'
import type {
  EventsView,
  HealthView,
  NodeView,
  ProxyView,
  ReplicaView,
  ServiceView,
  WhyView,
} from '../../shared/api.ts'
import type { Entry } from '../../shared/change.ts'
import type { RoutesAnswer } from '../../shared/protocol.ts'
import { CliError } from './failure.ts'

export { z }

const count = z.number()
const text = z.string()

const node = z.looseObject({
  id: text,
  name: text,
  address: text,
  driver: text,
  pool: text,
  condition: text,
  schedulability: text,
  cpuPercent: count.optional(),
  memoryPercent: count.optional(),
  diskPercent: count.optional(),
  reason: text.optional(),
  trouble: text.optional(),
  cpus: count,
  memoryMb: count,
  cpuReserved: count,
  memoryReservedMb: count,
  replicas: count,
  joinedAt: text,
  seenAt: text.optional(),
})

const replica = z.looseObject({
  id: text,
  service: text,
  serviceName: text,
  revision: count,
  node: text.optional(),
  nodeName: text.optional(),
  state: text,
  reason: text.optional(),
  url: text.optional(),
  restarts: count,
  networkInBytes: count.optional(),
  networkOutBytes: count.optional(),
  diskReadBytes: count.optional(),
  diskWriteBytes: count.optional(),
  createdAt: text,
})

const service = z.looseObject({
  id: text,
  name: text,
  spec: z.looseObject({
    image: text.optional(),
    bounds: z.object({ replicasMin: count, replicasMax: count }),
    objective: z.object({ percentile: count, latencyTargetMs: count }),
    autoscale: z.boolean(),
    command: z.array(text),
    environment: z.record(text, text),
    routes: z.array(z.looseObject({ host: text.optional(), path: text.optional() })),
  }),
  objective: text,
  replicas: count,
  serving: count,
  starting: count,
  pending: count,
  percentileMs: count.optional(),
  requestsPerSecond: count.optional(),
  errorsPerSecond: count.optional(),
  path: text,
  urls: z.array(text),
  advice: text.optional(),
  createdAt: text,
})

const decision = z.looseObject({
  rule: text,
  atMs: count,
  replicas: count,
  reason: text,
  inputs: z.looseObject({
    objective: z.object({ percentile: count, latencyTargetMs: count }),
    bounds: z.object({ replicasMin: count, replicasMax: count }),
    replicas: count,
    serving: count,
    starting: count,
    nodesReady: count,
    nodesUsed: count,
  }),
})

const why = z.looseObject({
  service,
  decision: decision.optional(),
  history: z.array(z.looseObject({ decision, sinceAt: text, untilAt: text, evaluations: count })),
})

const proxy = z.looseObject({ id: text, url: text, seenAt: text, routes: text })
const entry = z.looseObject({
  revision: count,
  epoch: count,
  change: z.looseObject({ kind: text, atMs: count, actor: text, reason: text }),
})
const routes = z.looseObject({
  revision: z.object({ epoch: count, seq: count }),
  fragments: z.array(z.looseObject({ service: text, endpoints: z.array(z.unknown()) })),
})
const health = z.looseObject({ status: text, version: text, epoch: count, revision: count })

/** Checks the shape and keeps the type that the master declares. */
function parser<T>(what: string, schema: z.ZodType): (raw: unknown) => T {
  return (raw) => {
    const parsed = schema.safeParse(raw)
    if (parsed.success) return parsed.data as T
    const issue = parsed.error.issues[0]
    const where = issue === undefined ? '' : ` (${issue.path.join('.')}: ${issue.message})`
    throw new CliError(`Cannot read the master's answer: it is not ${what}${where}`, {
      next: 'Is it an orchestrify master of the same version?',
    })
  }
}

export const nodeAnswer = parser<NodeView>('a node', node)
export const nodesAnswer = parser<{ nodes: readonly NodeView[] }>(
  'a list of nodes',
  z.object({ nodes: z.array(node) }),
)
export const replicaAnswer = parser<ReplicaView>('a replica', replica)
export const replicasAnswer = parser<{ replicas: readonly ReplicaView[] }>(
  'a list of replicas',
  z.object({ replicas: z.array(replica) }),
)
export const serviceAnswer = parser<ServiceView>('a service', service)
export const servicesAnswer = parser<{ services: readonly ServiceView[] }>(
  'a list of services',
  z.object({ services: z.array(service) }),
)
export const whyAnswer = parser<WhyView>('a decision', why)
export const proxiesAnswer = parser<{ proxies: readonly ProxyView[] }>(
  'a list of proxies',
  z.object({ proxies: z.array(proxy) }),
)
export const eventsAnswer = parser<EventsView>(
  'a list of events',
  z.object({ events: z.array(entry), revision: count }),
)
export const routesAnswer = parser<RoutesAnswer>('a routing table', routes)
export const healthAnswer = parser<HealthView>('a health report', health)

const parseEntry = parser<Entry>('an event', entry)

export function entryAnswer(data: string): Entry {
  try {
    return parseEntry(JSON.parse(data))
  } catch (cause) {
    throw new CliError("Cannot read the master's events: not JSON", { cause })
  }
}
