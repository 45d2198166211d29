/** Small worlds for tests of decisions: nodes, services, replicas and what is seen of them. */

import { Desired } from '../../master/decide/desired.ts'
import type { Limits } from '../../master/decide/limits.ts'
import type {
  Demand,
  NodeObservation,
  Observed,
  ProxyObservation,
} from '../../master/decide/observed.ts'
import type { Change } from '../../shared/change.ts'
import type { Node, Phase, Replica, ServiceSpec } from '../../shared/model.ts'
import type { ReplicaReport } from '../../shared/protocol.ts'

export const LIMITS: Limits = {
  suspectAfterMs: 2_500,
  lostAfterMs: 5_000,
  proxyLeaseMs: 5_000,
  busyCpuPercent: 85,
  busyMemoryPercent: 85,
  busyDiskPercent: 95,
  drainMaxMs: 30_000,
  failureBackoffMs: 1_000,
  failureBackoffMaxMs: 60_000,
  scaleInAfterMs: 60_000,
  scaleUpCooldownMs: 0,
  effectWaitMs: 1_000,
  futileRetryMs: 600_000,
  startMarginMs: 10_000,
}

export function nodeNamed(name: string, changes: Partial<Node> = {}): Node {
  return {
    id: name,
    name,
    address: '127.0.0.1',
    driver: 'process',
    pool: 'platform',
    schedulability: 'open',
    capacity: { cpus: 4, memoryMb: 8_192 },
    joinedAtMs: 0,
    secretHash: '',
    condition: 'ready',
    ...changes,
  }
}

export function specNamed(name: string, changes: Partial<ServiceSpec> = {}): ServiceSpec {
  return {
    name,
    command: ['true'],
    environment: {},
    objective: { percentile: 95, latencyTargetMs: 100 },
    bounds: { replicasMin: 1, replicasMax: 10 },
    autoscale: true,
    routes: [],
    health: {
      probe: { kind: 'tcp' },
      intervalMs: 10_000,
      timeoutMs: 5_000,
      failuresMax: 3,
      successesMin: 2,
      startMaxMs: 60_000,
    },
    resources: {
      cpuLimit: 1,
      memoryLimitMb: 512,
      cpuReserved: 0.1,
      memoryReservedMb: 64,
      pidsMax: 1_000,
    },
    networks: [],
    volumes: [],
    labels: {},
    init: true,
    pull: 'missing',
    stopGraceMs: 10_000,
    balance: { policy: 'queue', sticky: 'none' },
    ...changes,
  }
}

/** A change without the facts that a test does not care about. */
export type Bare = Change extends infer C
  ? C extends Change
    ? Omit<C, 'atMs' | 'actor' | 'reason'> & Partial<Pick<C, 'atMs' | 'actor' | 'reason'>>
    : never
  : never

export function applyAll(desired: Desired, changes: readonly Bare[], nowMs = 0): void {
  for (const change of changes) {
    const whole = { atMs: nowMs, actor: 'test', reason: 'test', ...change } as Change
    desired.apply(whole, desired.revision + 1)
  }
}

export function desiredWith(changes: readonly Bare[], nowMs = 0): Desired {
  const desired = new Desired()
  applyAll(desired, changes, nowMs)
  return desired
}

export function applied(spec: ServiceSpec, replicas = spec.bounds.replicasMin, revision = 1): Bare {
  return { kind: 'service-applied', service: spec.name, spec, revision, replicas }
}

export function added(id: string, service: string, changes: Partial<Replica> = {}): Bare {
  const replica = { id, service, revision: 1, createdAtMs: 0, assignedAtMs: 0, ...changes }
  return { kind: 'replica-added', replica }
}

type SeenNode = NodeObservation & {
  replicas: Map<string, ReplicaReport>
  phaseSinceMs: Map<string, number>
}

interface Beat {
  readonly cpu?: number
  readonly memory?: number
  readonly disk?: number
  readonly trouble?: string
}

/** What is seen, filled in by tests; everything is mutable on purpose. */
export class SeenWorld implements Observed {
  sinceMs = -100_000
  readonly nodes = new Map<string, SeenNode>()
  readonly proxies = new Map<string, ProxyObservation>()
  readonly demand = new Map<string, Demand>()
  demandComplete = true
  routes: Observed['routes'] = {
    revision: { epoch: 1, seq: 1 },
    routed: new Set(),
    retired: new Map(),
  }

  demandOf(service: { readonly id: string }): Demand {
    return this.demand.get(service.id) ?? { windows: [] }
  }

  beat(node: string, nowMs: number, beat: Beat = {}): void {
    const { cpu = 10, memory = 10, disk = 10, trouble } = beat
    const { replicas, phaseSinceMs } = this.nodes.get(node) ?? {}
    this.nodes.set(node, {
      seenAtMs: nowMs,
      load: {
        cpuPercent: cpu,
        memoryPercent: memory,
        diskPercent: disk,
        networkInBytes: 0,
        networkOutBytes: 0,
      },
      replicas: replicas ?? new Map(),
      phaseSinceMs: phaseSinceMs ?? new Map(),
      assignments: 0,
      ...(trouble === undefined ? {} : { trouble }),
    })
  }

  report(
    replica: { id: string; service: string; node?: string; revision: number },
    phase: Phase,
  ): void {
    const { id, service, revision, node = '' } = replica
    const report = { replica: id, service, revision, phase, restarts: 0, port: 20_000 }
    this.nodes.get(node)?.replicas.set(id, report)
    this.nodes.get(node)?.phaseSinceMs.set(id, phase.sinceMs)
  }
}

export function counter(prefix: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${prefix}${count}`
  }
}
