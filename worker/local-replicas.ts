import { Bell } from '../shared/bell.ts'
import { startDeadline } from '../shared/call-deadline.ts'
import type { Clock } from '../shared/clock.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { Phase, ReplicaId } from '../shared/model.ts'
import type { AssignedReplica, ReplicaReport } from '../shared/protocol.ts'
import { buried, firstLook, found } from './adoption.ts'
import { Census } from './census.ts'
import { type Action, converge, type Wanted } from './decide/converge.ts'
import { type Health, starting } from './decide/health.ts'
import type { Belief } from './decide/reconcile.ts'
import type { RestartLimits } from './decide/restart.ts'
import type { Driver, Ended, Exit, News, Running } from './drivers/driver.ts'
import { EarlyExits } from './early-exits.ts'
import { launch } from './launch.ts'
import { LocalReplica } from './local-replica.ts'
import type { Ports } from './ports.ts'
import { keepProbing } from './probing.ts'
import type { StartProgress } from './start-progress.ts'
import { Tasks } from './tasks.ts'

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
  readonly progress: Pick<StartProgress, 'tell' | 'ended'>
  /** Told the highest epoch of a master for which something here was started. */
  readonly recall: (epoch: number) => void
}

/** Longer than any backoff step needs to be noticed in time; events ring earlier. */
const CONVERGE_EVERY_MS = 250
/** A stop that failed is tried again, but not in a tight loop. */
const STOP_AGAIN_MS = 5_000

/** All replicas of this machine: brings what runs to what should run. */
export class LocalReplicas {
  readonly #parts: LocalReplicasParts
  readonly #replicas = new Map<ReplicaId, LocalReplica>()
  readonly #bell = new Bell()
  readonly #tasks = new Tasks(() => this.#bell.ring())
  readonly #earlyExits = new EarlyExits()
  readonly #closing = new AbortController()
  readonly #census: Census
  #isBlind = true
  #wanted: Wanted = { replicas: new Map(), heard: false }

  constructor(parts: LocalReplicasParts) {
    this.#parts = parts
    const { driver, log } = parts
    const beliefs = (): ReadonlyMap<ReplicaId, Belief> => this.#beliefs
    this.#census = new Census({ driver, log, beliefs, onMissed: (exit) => this.#onExit(exit) })
  }

  get reports(): ReadonlyMap<ReplicaId, ReplicaReport> {
    return new Map([...this.#replicas].map(([id, replica]) => [id, replica.report]))
  }

  /** The runtime has not said yet what runs here. */
  get isBlind(): boolean {
    return this.#isBlind
  }

  get all(): Iterable<LocalReplica> {
    return this.#replicas.values()
  }

  get running(): number {
    return [...this.#replicas.values()].filter(({ run }) => run !== 'dead').length
  }

  /**
   * Takes over what an earlier life of this worker left running, without touching it. While the
   * runtime cannot say what that is, nothing is started; its first news bring us back here.
   */
  async adopt(): Promise<void> {
    try {
      const { running, ended } = await this.#parts.driver.list()
      const isNew = ({ replica }: { replica: ReplicaId }): boolean =>
        this.#replicas.get(replica)?.isUntouched ?? true
      for (const each of ended.filter(isNew)) this.#bury(each)
      await Promise.all(running.filter(isNew).map((each) => this.#adoptOne(each)))
      this.#isBlind = false
      this.#parts.recall(Math.max(0, ...running.map(({ epoch = 0 }) => epoch)))
    } catch (error) {
      this.#parts.log.warn('replicas cannot be listed yet', { reason: sentenceOf(error) })
    }
  }

  /** Goes on with what an earlier life remembered, until a master says otherwise. */
  assume(replicas: readonly AssignedReplica[]): void {
    if (!this.#wanted.heard) this.#want(replicas, false)
  }

  /** What a master said. */
  obey(replicas: readonly AssignedReplica[]): void {
    this.#want(replicas, true)
    const keep = new Set([...this.#replicas.keys(), ...replicas.map(({ replica }) => replica)])
    this.#tasks.begin(this.#parts.ports.retain(keep))
  }

  /** Converges until the signal aborts, then waits for starts and stops that are under way. */
  async run(signal: AbortSignal): Promise<void> {
    this.#tasks.begin(this.#parts.driver.watch((news) => this.#hear(news), this.#closing.signal))
    while (!signal.aborted && !this.#tasks.isBroken) {
      if (!this.#isBlind) this.#converge()
      await this.#bell.wait(CONVERGE_EVERY_MS, this.#parts.clock, signal)
    }
    this.#closing.abort()
    for (const replica of this.#replicas.values()) replica.release()
    await this.#tasks.ended()
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
    if (kind === 'wait') {
      this.#tell(replica, () => replica.rest({ kind: 'waiting', sinceMs, reason }))
      return
    }
    log.info(TOLD[kind], { ...replica.who, reason })
    const stopping: Phase = { kind: 'stopping', sinceMs }
    const failed: Phase = { kind: 'failed', sinceMs, reason }
    const died = (): void => replica.die(reason, clock.nowMs(), this.#parts.limits)
    const tasks = {
      start: () => this.#start(replica),
      forget: () => this.#forget(id),
      stop: () => this.#stop(replica, stopping, () => this.#forget(id)),
      fail: () => this.#stop(replica, failed, () => replica.rest(failed)),
      restart: () => this.#stop(replica, stopping, died),
    }
    this.#tasks.begin(tasks[kind]())
  }

  async #start(replica: LocalReplica): Promise<void> {
    const { clock, limits, log, progress } = this.#parts
    const { assigned } = replica
    this.#tell(replica, () => replica.begin(clock.nowMs()))
    try {
      const limit = startDeadline(limits.startDeadlineMs)
      const running = await launch(assigned, this.#parts, limit.signal).finally(limit.end)
      this.#enliven(replica, running, starting(clock.nowMs()))
    } catch (error) {
      const reason = sentenceOf(error)
      log.warn('replica cannot be started', { replica: assigned.replica, reason })
      const phase: Phase = { kind: 'failed', sinceMs: clock.nowMs(), reason }
      this.#tell(replica, () => replica.rest(phase))
    } finally {
      progress.ended(assigned.replica)
    }
  }

  async #stop(replica: LocalReplica, phase: Phase, done: () => unknown): Promise<void> {
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
    const { driver, ports, log } = this.#parts
    this.#replicas.delete(id)
    this.#changed()
    await driver.stop(id, 0).catch((error: unknown) => {
      // What is left of it shows up as a stray when the runtime answers again.
      log.warn('leftover of a replica stays', { replica: id, reason: sentenceOf(error) })
    })
    await ports.release(id)
  }

  get #beliefs(): ReadonlyMap<ReplicaId, Belief> {
    return new Map([...this.#replicas].map(([id, { belief }]) => [id, belief]))
  }

  #bury(ended: Ended): void {
    const { replica, reason, assigned } = ended
    const service = assigned.serviceName
    this.#replicas.set(replica, buried(ended, this.#parts, this.#replicas.get(replica)))
    this.#parts.log.warn('replica had ended', { replica, service, reason })
  }

  async #adoptOne(running: Running): Promise<void> {
    const replica = found(running, this.#replicas.get(running.replica))
    this.#replicas.set(running.replica, replica)
    this.#parts.ports.adopt(running.replica, running.port)
    const { signal } = this.#closing
    this.#enliven(replica, running, await firstLook(replica, running, { ...this.#parts, signal }))
    this.#parts.log.info('replica adopted', { ...replica.who, port: running.port })
  }

  /** It may have ended already, before anybody knew under which handle it runs. */
  #enliven(replica: LocalReplica, running: Running, health: Health): void {
    const early = this.#earlyExits.take(running.handle)
    if (early !== undefined) this.#died(replica, early)
    else this.#watchOver(replica, running, health)
  }

  #watchOver(replica: LocalReplica, running: Running, health: Health): void {
    this.#tell(replica, () => replica.live(running, health))
    // A start that was under way when this worker began to end is not watched any more.
    if (this.#closing.signal.aborted) replica.release()
    const tell = (change: () => void): void => this.#tell(replica, change)
    this.#tasks.begin(keepProbing(replica, running, { ...this.#parts, tell }, replica.probing))
  }

  #hear(news: News): void {
    if (news.kind === 'exit') this.#onExit(news)
    else if (news.kind === 'opinion') this.#replicas.get(news.replica)?.doubt.ring()
    else if (news.kind === 'trouble') this.#parts.onChange()
    else this.#tasks.begin(this.#isBlind ? this.adopt() : this.#census.take())
  }

  #onExit(exit: Exit): void {
    const replica = this.#replicas.get(exit.replica)
    if (replica?.run === 'alive' && replica.running?.handle === exit.handle) {
      this.#died(replica, exit)
    } else if (replica?.isBeingStarted === true) this.#earlyExits.keep(exit)
  }

  #died(replica: LocalReplica, { reason }: Exit): void {
    const { log, clock, limits } = this.#parts
    log.warn('replica ended', { ...replica.who, reason })
    this.#tell(replica, () => replica.die(reason, clock.nowMs(), limits))
    this.#bell.ring()
  }

  /** A transition that others should know of is told at once, a repetition is not. */
  #tell(replica: LocalReplica, change: () => void): void {
    const { phase: before, running: ranBefore } = replica
    const sickBefore = replica.standing.sickness
    change()
    const { phase, running } = replica
    if (phase.kind === 'serving' && before.kind !== 'serving') this.#logServing(replica)
    if (phase !== before || running !== ranBefore) this.#parts.onChange()
    if (replica.standing.sickness !== sickBefore) this.#bell.ring()
  }

  #logServing({ who, running }: LocalReplica): void {
    this.#parts.log.info('replica serves', { ...who, port: running?.port })
  }
}

const TOLD = {
  start: 'replica starts',
  restart: 'replica restarts',
  fail: 'replica failed',
  stop: 'replica stops',
  forget: 'replica is gone',
}
