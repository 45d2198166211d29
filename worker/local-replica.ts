import { Bell } from '../shared/bell.ts'
import type { Phase, ReplicaId } from '../shared/model.ts'
import type { AssignedReplica, ReplicaReport } from '../shared/protocol.ts'
import type { Standing } from './decide/converge.ts'
import { type Health, phaseOf, sicknessOf } from './decide/health.ts'
import type { Belief } from './decide/reconcile.ts'
import {
  afterDeath,
  NEVER_STARTED,
  type RestartHistory,
  type RestartLimits,
} from './decide/restart.ts'
import type { ReplicaStats, Running } from './drivers/driver.ts'

/** One replica as this worker sees it, from its assignment to its end. */
export class LocalReplica {
  assigned: AssignedReplica
  stats: ReplicaStats | undefined
  /** Rings when there is a reason to ask for its health at once. */
  readonly doubt = new Bell()
  #probing = new AbortController()
  #run: Standing['run'] = 'dead'
  #phase: Phase
  #running: Running | undefined
  #health: Health | undefined
  #servingSinceMs: number | undefined
  #history: RestartHistory = NEVER_STARTED
  /** All of them, where the history counts those in a row. */
  #deaths = 0

  constructor(assigned: AssignedReplica, nowMs: number) {
    this.assigned = assigned
    this.#phase = { kind: 'starting', sinceMs: nowMs }
  }

  /** How logs name it. */
  get who(): { replica: ReplicaId; service: string } {
    return { replica: this.assigned.replica, service: this.assigned.serviceName }
  }

  get running(): Running | undefined {
    return this.#running
  }

  get health(): Health | undefined {
    return this.#health
  }

  get phase(): Phase {
    return this.#phase
  }

  get run(): Standing['run'] {
    return this.#run
  }

  /** Only wanted so far: whatever runs of it was started by an earlier life of this worker. */
  get isUntouched(): boolean {
    return this.#run === 'dead' && this.#phase.kind === 'starting'
  }

  get isBeingStarted(): boolean {
    return this.#run === 'busy' && this.#running === undefined
  }

  get standing(): Standing {
    const health = this.#health
    const sickness = health === undefined ? undefined : sicknessOf(health, this.assigned.health)
    return {
      run: this.#run,
      phase: this.#phase.kind,
      startedAtMs: this.#running?.startedAtMs ?? 0,
      history: this.#history,
      symptom: health?.reason ?? '',
      ...(sickness === undefined ? {} : { sickness }),
    }
  }

  get belief(): Belief {
    const handle = this.#running?.handle
    return handle === undefined ? { run: this.#run } : { run: this.#run, handle }
  }

  get report(): ReplicaReport {
    const { replica, service, revision } = this.assigned
    const running = this.#running
    return {
      replica,
      service,
      revision,
      phase: this.#phase,
      restarts: this.#deaths,
      ...(running === undefined ? {} : { port: running.port, handle: running.handle }),
      ...(this.stats ?? {}),
    }
  }

  /** A start is under way. */
  begin(nowMs: number): void {
    this.#run = 'busy'
    this.#enter({ kind: 'starting', sinceMs: nowMs })
  }

  /** Ends with the current run. */
  get probing(): AbortSignal {
    return this.#probing.signal
  }

  /** It goes on without this worker. */
  release(): void {
    this.#probing.abort()
  }

  live(running: Running, health: Health): void {
    this.#run = 'alive'
    this.#running = running
    this.#probing = new AbortController()
    this.judged(health)
  }

  judged(health: Health): void {
    this.#health = health
    if (health.kind === 'serving') this.#servingSinceMs ??= health.sinceMs
    this.#enter(phaseOf(health))
  }

  /** A stop is under way. */
  end(phase: Phase): void {
    this.#run = 'busy'
    this.#probing.abort()
    this.#enter(phase)
  }

  /** A stop did not succeed: it still runs. */
  outlive(): void {
    this.#run = 'alive'
  }

  /** It ended by itself, or was ended to be started again. */
  die(reason: string, nowMs: number, limits: RestartLimits): void {
    this.#deaths += 1
    const sinceMs = this.#servingSinceMs
    const served = sinceMs === undefined ? {} : { servedMs: nowMs - sinceMs }
    this.#history = afterDeath(this.#history, { atMs: nowMs, reason, ...served }, limits)
    this.rest({ kind: 'waiting', sinceMs: nowMs, reason })
  }

  /** Nothing of it runs. */
  rest(phase: Phase): void {
    this.#run = 'dead'
    this.#probing.abort()
    this.#running = undefined
    this.#health = undefined
    this.#servingSinceMs = undefined
    this.stats = undefined
    this.#enter(phase)
  }

  /** The same phase for the same reason goes on; it does not begin anew. */
  #enter(phase: Phase): void {
    if (phase.kind === this.#phase.kind && reasonOf(phase) === reasonOf(this.#phase)) return
    this.#phase = phase
  }
}

function reasonOf(phase: Phase): string {
  return 'reason' in phase ? phase.reason : ''
}
