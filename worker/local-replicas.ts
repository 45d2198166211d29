import { Bell } from '../shared/bell.ts'
import { startDeadline } from '../shared/call-deadline.ts'
import type { Clock } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Phase, ReplicaId } from '../shared/model.ts'
import type { AssignedReplica, ReplicaReport } from '../shared/protocol.ts'
import { type Action, converge, type Wanted } from './decide/converge.ts'
import { adopted, type Health, starting } from './decide/health.ts'
import type { RestartLimits } from './decide/restart.ts'
import type { Driver, Exit, News, Running } from './drivers/driver.ts'
import { LocalReplica } from './local-replica.ts'
import type { Ports } from './ports.ts'
import { keepProbing, probeAdopted } from './probing.ts'

export interface ReplicaLimits extends RestartLimits {
  readonly startDeadlineMs: number
  readonly stopGraceMaxMs: number
}

export interface LocalReplicasParts {
  readonly driver: Driver
  readonly ports: Ports
  readonly clock: Clock
  readonly log: Log
  readonly limits: ReplicaLimits
  /** The address of this machine that replicas listen on. */
  readonly host: () => string
  /** Something changed that the master should hear of at once. */
  readonly onChange: () => void
}

/** Longer than any backoff step needs to be noticed in time; events ring earlier. */
const CONVERGE_EVERY_MS = 250
/** A stop that failed is tried again, but not in a tight loop. */
const STOP_AGAIN_MS = 5_000
/** Enough for the exits of replicas whose start is still under way. */
const EARLY_EXITS_MAX = 1_000

/** All replicas of this machine: brings what runs to what should run. */
export class LocalReplicas {
  readonly #parts: LocalReplicasParts
  readonly #replicas = new Map<ReplicaId, LocalReplica>()
  readonly #bell = new Bell()
  readonly #tasks = new Set<Promise<void>>()
  readonly #earlyExits = new Map<string, Exit>()
  readonly #closing = new AbortController()
  #wanted: Wanted = { replicas: new Map(), heard: false }
  #bug: { readonly error: unknown } | undefined

  constructor(parts: LocalReplicasParts) {
    this.#parts = parts
  }

  get reports(): ReadonlyMap<ReplicaId, ReplicaReport> {
    return new Map([...this.#replicas].map(([id, replica]) => [id, replica.report]))
  }

  get running(): number {
    return [...this.#replicas.values()].filter(({ run }) => run !== 'dead').length
  }

  /** Takes over what an earlier life of this worker left running, without touching it. */
  async adopt(): Promise<void> {
    const found = await this.#parts.driver.list()
    await Promise.all(found.running.map((running) => this.#adoptOne(running)))
  }

  /** Goes on with what an earlier life remembered, until a master says otherwise. */
  assume(replicas: readonly AssignedReplica[]): void {
    if (!this.#wanted.heard) this.#want(replicas, false)
  }

  /** What a master said. */
  obey(replicas: readonly AssignedReplica[]): void {
    this.#want(replicas, true)
    const keep = new Set([...this.#replicas.keys(), ...replicas.map(({ replica }) => replica)])
    this.#attempt(this.#parts.ports.retain(keep))
  }

  /** Converges until the signal aborts, then waits for starts and stops that are under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#attempt(this.#parts.driver.watch((news) => this.#hear(news), this.#closing.signal))
    while (!signal.aborted && this.#bug === undefined) {
      this.#converge()
      await this.#bell.wait(CONVERGE_EVERY_MS, this.#parts.clock, signal)
    }
    this.#closing.abort()
    for (const replica of this.#replicas.values()) replica.release()
    while (this.#tasks.size > 0) await Promise.all(this.#tasks)
    if (this.#bug !== undefined) throw this.#bug.error
  }

  /** Asks the driver what each replica uses. */
  async sample(): Promise<void> {
    const { driver } = this.#parts
    const asked = [...this.#replicas].map(async ([id, replica]) => {
      const stats = replica.run === 'alive' ? await driver.stats(id) : undefined
      if (replica.run === 'alive') replica.stats = stats
    })
    await Promise.all(asked)
  }

  #want(replicas: readonly AssignedReplica[], heard: boolean): void {
    this.#wanted = { replicas: new Map(replicas.map((each) => [each.replica, each])), heard }
    for (const assigned of replicas) {
      const known = this.#replicas.get(assigned.replica)
      if (known === undefined) {
        const replica = new LocalReplica(assigned, this.#parts.clock.nowMs())
        this.#replicas.set(assigned.replica, replica)
      } else known.assigned = assigned
    }
    this.#changed()
  }

  #changed(): void {
    this.#bell.ring()
    this.#parts.onChange()
  }

  #converge(): void {
    const { limits, clock } = this.#parts
    const standings = new Map([...this.#replicas].map(([id, { standing }]) => [id, standing]))
    for (const action of converge(this.#wanted, standings, limits, clock.nowMs())) {
      const replica = this.#replicas.get(action.replica)
      if (replica !== undefined) this.#perform(action, replica)
    }
  }

  #perform({ kind, replica: id, reason }: Action, replica: LocalReplica): void {
    const { log, clock } = this.#parts
    const sinceMs = clock.nowMs()
    const service = replica.assigned.serviceName
    if (kind === 'wait') {
      this.#tell(replica, () => replica.rest({ kind: 'waiting', sinceMs, reason }))
      return
    }
    log.info(TOLD[kind], { replica: id, service, reason })
    if (kind === 'start') this.#attempt(this.#start(replica))
    else if (kind === 'forget') this.#attempt(this.#forget(id))
    else if (kind === 'stop') {
      this.#attempt(this.#stop(replica, { kind: 'stopping', sinceMs }, () => this.#forget(id)))
    } else if (kind === 'fail') {
      const phase: Phase = { kind: 'failed', sinceMs, reason }
      this.#attempt(this.#stop(replica, phase, () => replica.rest(phase)))
    } else {
      const phase: Phase = { kind: 'stopping', sinceMs }
      const died = (): void => replica.die(reason, clock.nowMs(), this.#parts.limits)
      this.#attempt(this.#stop(replica, phase, died))
    }
  }

  async #start(replica: LocalReplica): Promise<void> {
    const { driver, ports, clock, limits, log } = this.#parts
    const { assigned } = replica
    this.#tell(replica, () => replica.begin(clock.nowMs()))
    try {
      const port = await ports.take(assigned.replica, assigned.hostPort)
      const limit = startDeadline(limits.startDeadlineMs)
      const onProgress = (): void => undefined
      const running = await driver
        .start({ assigned, port, onProgress }, limit.signal)
        .finally(limit.end)
      const early = this.#earlyExits.get(running.handle)
      this.#earlyExits.delete(running.handle)
      if (early !== undefined) this.#died(replica, early)
      else this.#watchOver(replica, running, starting(clock.nowMs()))
    } catch (error) {
      const reason = sentenceOf(error)
      log.warn('replica cannot be started', { replica: assigned.replica, reason })
      const phase: Phase = { kind: 'failed', sinceMs: clock.nowMs(), reason }
      this.#tell(replica, () => replica.rest(phase))
    }
  }

  async #stop(
    replica: LocalReplica,
    phase: Phase,
    done: () => void | Promise<void>,
  ): Promise<void> {
    const { driver, limits, clock, log } = this.#parts
    const { replica: id, stopGraceMs } = replica.assigned
    this.#tell(replica, () => replica.end(phase))
    try {
      await driver.stop(id, Math.min(stopGraceMs, limits.stopGraceMaxMs))
    } catch (error) {
      log.error('replica cannot be stopped', { replica: id, reason: sentenceOf(error) })
      await clock.sleep(STOP_AGAIN_MS, this.#closing.signal)
      this.#tell(replica, () => replica.outlive())
      return
    }
    await done()
    this.#changed()
  }

  async #forget(id: ReplicaId): Promise<void> {
    this.#replicas.delete(id)
    this.#changed()
    await this.#parts.driver.stop(id, 0)
    await this.#parts.ports.release(id)
  }

  async #adoptOne(running: Running): Promise<void> {
    const { clock, log, ports } = this.#parts
    const { assigned, startedAtMs, port } = running
    const replica = new LocalReplica(assigned, startedAtMs)
    this.#replicas.set(running.replica, replica)
    ports.adopt(running.replica, port)
    const { signal } = this.#closing
    const outcome = await probeAdopted(replica, running, { ...this.#parts, signal })
    const { startMaxMs } = assigned.health
    const health = adopted(outcome, { startedAtMs, startMaxMs }, clock.nowMs())
    this.#watchOver(replica, running, health)
    log.info('replica adopted', { replica: running.replica, service: assigned.serviceName, port })
  }

  #watchOver(replica: LocalReplica, running: Running, health: Health): void {
    this.#tell(replica, () => replica.live(running, health))
    // A start that was under way when this worker began to end is not watched any more.
    if (this.#closing.signal.aborted) replica.release()
    const tell = (change: () => void): void => this.#tell(replica, change)
    this.#attempt(keepProbing(replica, running, { ...this.#parts, tell }, replica.probing))
  }

  #hear(news: News): void {
    if (news.kind === 'exit') this.#onExit(news)
    else if (news.kind === 'opinion') this.#replicas.get(news.replica)?.doubt.ring()
  }

  #onExit(exit: Exit): void {
    const replica = this.#replicas.get(exit.replica)
    if (replica?.run === 'alive' && replica.running?.handle === exit.handle) {
      this.#died(replica, exit)
    } else if (replica?.isBeingStarted === true && this.#earlyExits.size < EARLY_EXITS_MAX) {
      this.#earlyExits.set(exit.handle, exit)
    }
  }

  #died(replica: LocalReplica, { reason }: Exit): void {
    const { log, clock, limits } = this.#parts
    const { replica: id, serviceName: service } = replica.assigned
    log.warn('replica ended', { replica: id, service, reason })
    this.#tell(replica, () => replica.die(reason, clock.nowMs(), limits))
    this.#bell.ring()
  }

  /** A transition that others should know of is told at once, a repetition is not. */
  #tell(replica: LocalReplica, change: () => void): void {
    const { phase: before, running: ranBefore } = replica
    const sickBefore = replica.standing.sickness
    change()
    const { phase, running } = replica
    if (phase.kind === 'serving' && before.kind !== 'serving') this.#tellServing(replica)
    if (phase !== before || running !== ranBefore) this.#parts.onChange()
    if (replica.standing.sickness !== sickBefore) this.#bell.ring()
  }

  #tellServing({ assigned, running }: LocalReplica): void {
    const { replica, serviceName: service } = assigned
    this.#parts.log.info('replica serves', { replica, service, port: running?.port })
  }

  /** Work whose expected failures are handled: whatever else it throws is a bug and ends the run. */
  #attempt(work: Promise<void>): void {
    const task = work
      .catch((error: unknown) => {
        this.#bug ??= { error }
        this.#bell.ring()
      })
      .finally(() => this.#tasks.delete(task))
    this.#tasks.add(task)
  }
}

const TOLD = {
  start: 'replica starts',
  restart: 'replica restarts',
  fail: 'replica failed',
  stop: 'replica stops',
  forget: 'replica is gone',
}
