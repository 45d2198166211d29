/** Every wire between the programs, declared and parsed once. Unknown fields are tolerated. */
import { z } from 'zod'
import { HISTOGRAM_BUCKETS } from './histogram.ts'

/** Counts incompatible changes of any message; a peer of another version is refused by name. */
export const WIRE_VERSION = 1

const wire = z.literal(WIRE_VERSION)
const id = z.string().min(1).max(128)
const count = z.number().int().nonnegative()
const amount = z.number().nonnegative()
const percent = z.number().min(0).max(100)

const driver = z.enum(['docker', 'process'])
const capacity = z.object({ cpus: z.number().positive(), memoryMb: z.number().positive() })

/** The body of `POST /v1/nodes`: a worker joins, or comes back under its old name and secret. */
export const nodeJoinSchema = z.object({
  wire,
  name: id,
  /** Undefined: the master uses the address the call came from. */
  address: z.string().min(1).max(255).exactOptional(),
  driver,
  capacity,
  /** What an earlier join answered; lets the same worker back in while its old self looks alive. */
  secret: z.string().max(256).exactOptional(),
  /** A certificate signing request (PEM), over TLS only. */
  certificateRequest: z.string().max(8192).exactOptional(),
})

export const nodeJoinedSchema = z.object({
  wire,
  node: id,
  secret: z.string(),
  address: z.string(),
  epoch: count,
  heartbeatEveryMs: z.number().positive(),
  certificate: z.string().exactOptional(),
})

const phase = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('starting'), sinceMs: amount }),
  z.object({ kind: z.literal('serving'), sinceMs: amount }),
  z.object({ kind: z.literal('unhealthy'), sinceMs: amount, reason: z.string() }),
  z.object({ kind: z.literal('waiting'), sinceMs: amount, reason: z.string() }),
  z.object({ kind: z.literal('failed'), sinceMs: amount, reason: z.string() }),
  z.object({ kind: z.literal('stopping'), sinceMs: amount }),
])

export const replicaReportSchema = z.object({
  replica: id,
  service: id,
  revision: count,
  phase,
  /** Where it answers; undefined until the worker gave it a port. */
  port: z.number().int().min(1).max(65535).exactOptional(),
  restarts: count,
  cpuPercent: amount.exactOptional(),
  memoryMb: amount.exactOptional(),
  networkInBytes: amount.exactOptional(),
  networkOutBytes: amount.exactOptional(),
  diskReadBytes: amount.exactOptional(),
  diskWriteBytes: amount.exactOptional(),
  /** What the driver calls it: a process id, a container id. */
  handle: z.string().exactOptional(),
})

export const hostLoadSchema = z.object({
  cpuPercent: percent,
  memoryPercent: percent,
  diskPercent: percent,
  networkInBytes: amount,
  networkOutBytes: amount,
})

/** The body of `POST /v1/nodes/:id/heartbeat`, every second. */
export const heartbeatSchema = z.object({
  wire,
  /** One life of the worker's process. */
  boot: id,
  seq: count,
  /** Whether `replicas` is everything the node runs, or only what changed since the last answer. */
  full: z.boolean(),
  load: hostLoadSchema,
  replicas: z.array(replicaReportSchema),
  gone: z.array(id),
  /** The revision of the assignments that this report already reflects. */
  assignments: count,
  metricsPort: z.number().int().min(0).max(65535).exactOptional(),
  /** The runtime could not say yet what runs: of replicas this report says nothing. */
  unseen: z.literal(true).exactOptional(),
  /** Why nothing can be started or stopped there now: `the Docker Engine does not answer`. */
  trouble: z.string().max(1_000).exactOptional(),
})

export const heartbeatAnswerSchema = z.object({
  wire,
  epoch: count,
  /** The master knows too little of this node: the next heartbeat must be full. */
  wantFull: z.boolean(),
})

export const probeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('http'), path: z.string().regex(/^\/[\x21-\x7e]*$/) }),
  z.object({ kind: z.literal('tcp') }),
  z.object({ kind: z.literal('command'), command: z.array(z.string()).min(1) }),
  z.object({ kind: z.literal('image') }),
  z.object({ kind: z.literal('none') }),
])

export const healthCheckSchema = z.object({
  probe: probeSchema,
  intervalMs: z.number().int().min(100).max(3_600_000),
  timeoutMs: z.number().int().min(10).max(600_000),
  failuresMax: z.number().int().min(1).max(100),
  successesMin: z.number().int().min(1).max(100),
  startMaxMs: z.number().int().min(100).max(3_600_000),
})

export const resourcesSchema = z.object({
  cpuLimit: z.number().positive().max(1024),
  memoryLimitMb: z.number().positive(),
  cpuReserved: amount,
  memoryReservedMb: amount,
  pidsMax: z.number().int().positive().default(1_000),
})

export const volumeMountSchema = z.object({
  volume: z.string().min(1),
  path: z.string().startsWith('/'),
  readOnly: z.boolean(),
})

/** One replica that a node should run; `draining` ones still serve what they have. */
export const assignedReplicaSchema = z.object({
  replica: id,
  service: id,
  serviceName: z.string(),
  revision: count,
  draining: z.boolean(),
  /** Complete: with its registry where one is set, and a tag or digest. */
  image: z.string().exactOptional(),
  pull: z.enum(['missing', 'always']).default('missing'),
  command: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  port: z.number().int().exactOptional(),
  hostPort: z.number().int().exactOptional(),
  networks: z.array(z.string()).default([]),
  volumes: z.array(volumeMountSchema).default([]),
  labels: z.record(z.string(), z.string()).default({}),
  user: z.string().exactOptional(),
  init: z.boolean().default(true),
  health: healthCheckSchema,
  resources: resourcesSchema,
  stopGraceMs: count,
})

/** The answer of `GET /v1/nodes/:id/assignments?after=REVISION`: always the whole set. */
export const assignmentsSchema = z.object({
  wire,
  epoch: count,
  revision: count,
  replicas: z.array(assignedReplicaSchema),
})

export const routeRevisionSchema = z.object({ epoch: count, seq: count })
const objective = z.object({ percentile: percent, latencyTargetMs: z.number().positive() })
export const routeRuleSchema = z.object({
  host: z.string().exactOptional(),
  path: z.string().exactOptional(),
  slow: z.boolean().exactOptional(),
})

export const balanceSchema = z.object({
  policy: z.enum(['queue', 'round-robin', 'least-connections', 'p2c', 'peak-ewma']),
  sticky: z.enum(['none', 'cookie', 'client-ip']),
})

export const endpointSchema = z.object({
  replica: id,
  node: id,
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535),
  suspect: z.boolean(),
  weight: z.number().positive().max(1_000).exactOptional(),
})

export const routeFragmentSchema = z.object({
  service: id,
  name: z.string().min(1),
  image: z.string().exactOptional(),
  objective,
  routes: z.array(routeRuleSchema),
  endpoints: z.array(endpointSchema),
  balance: balanceSchema.exactOptional(),
  concurrency: z.number().int().positive().exactOptional(),
  absence: z.string().exactOptional(),
  comes: z.boolean().exactOptional(),
})

/** The answer of `GET /v1/routes?after=EPOCH.SEQ`. A snapshot replaces the whole table. */
export const routesAnswerSchema = z.object({
  wire,
  revision: routeRevisionSchema,
  snapshot: z.boolean(),
  fragments: z.array(routeFragmentSchema),
  removed: z.array(id),
})

export const proxyJoinSchema = z.object({
  wire,
  proxy: id,
  boot: id,
  address: z.string().exactOptional(),
  port: z.number().int(),
  adminPort: z.number().int(),
  certificateRequest: z.string().max(8192).exactOptional(),
})

export const proxyJoinedSchema = z.object({
  wire,
  epoch: count,
  leaseMs: z.number().positive(),
  certificate: z.string().exactOptional(),
})

export const histogramSchema = z.object({
  sumMs: amount,
  buckets: z
    .array(z.number().int().nonnegative())
    .max(2 * HISTOGRAM_BUCKETS)
    .refine(
      (flat) =>
        flat.length % 2 === 0 && flat.every((v, at) => at % 2 === 1 || v < HISTOGRAM_BUCKETS),
      'pairs of an existing bucket and a count are expected',
    ),
})

export const replicaMeasurementSchema = z.object({
  replica: id,
  arrivals: count,
  errors: count,
  /** The integral of requests in flight over the stretch, in milliseconds. */
  inFlightAreaMs: amount,
  inFlight: count,
  upstreamMs: amount,
  /** Every tenth second or so; undefined in between. */
  histogram: histogramSchema.exactOptional(),
})

export const serviceMeasurementSchema = z.object({
  service: id,
  arrivals: count,
  /** Ended with an error or a timeout; each is in the histogram as slow. */
  errors: count,
  queued: count,
  queueMs: amount,
  latency: histogramSchema,
  replicas: z.array(replicaMeasurementSchema),
})

/** The body of `POST /v1/measurements`, every second. Stamped with a sequence, never wall time. */
export const measurementsSchema = z.object({
  wire,
  proxy: id,
  boot: id,
  seq: count,
  durationMs: z.number().positive(),
  /** The routing table that this proxy has put in force: the acknowledgement of removals. */
  routes: routeRevisionSchema,
  services: z.array(serviceMeasurementSchema),
  /** Requests in flight to replicas, also to those no longer in the table. */
  inFlight: z.record(z.string(), count),
})

export const measurementsAnswerSchema = z.object({
  wire,
  epoch: count,
  /** This proxy's share of each replica's permits. */
  permits: z.record(z.string(), z.number().int().min(1)),
  /** Services whose permits are no guess. */
  learned: z.array(id).default([]),
  /** The master does not know this proxy (any more): it registers again. */
  wantJoin: z.boolean(),
})

export type NodeJoin = z.infer<typeof nodeJoinSchema>
export type NodeJoined = z.infer<typeof nodeJoinedSchema>
export type Heartbeat = z.infer<typeof heartbeatSchema>
export type HeartbeatAnswer = z.infer<typeof heartbeatAnswerSchema>
export type ReplicaReport = z.infer<typeof replicaReportSchema>
export type AssignedReplica = z.infer<typeof assignedReplicaSchema>
export type Assignments = z.infer<typeof assignmentsSchema>
export type RoutesAnswer = z.infer<typeof routesAnswerSchema>
export type ProxyJoin = z.infer<typeof proxyJoinSchema>
export type ProxyJoined = z.infer<typeof proxyJoinedSchema>
export type Measurements = z.infer<typeof measurementsSchema>
export type ServiceMeasurement = z.infer<typeof serviceMeasurementSchema>
export type ReplicaMeasurement = z.infer<typeof replicaMeasurementSchema>
export type MeasurementsAnswer = z.infer<typeof measurementsAnswerSchema>
