/** Runs replicas as containers of one Docker Engine, and touches no other container of it. */
import type { Clock } from '../../../shared/clock.ts'
import { RequestError } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { Capacity, NodeId, ReplicaId } from '../../../shared/model.ts'
import type { LogLine } from '../../../shared/stream-protocol.ts'
import type {
  Driver,
  ExecAsked,
  ExecResult,
  ExecSession,
  Found,
  LogsAsked,
  News,
  Opinion,
  ReplicaStats,
  Running,
  StartOrder,
} from '../driver.ts'
import { findAll } from './adoption.ts'
import { Containers } from './containers.ts'
import type { Engine } from './engine.ts'
import { isAway } from './engine-error.ts'
import { EngineFacts } from './engine-facts.ts'
import { execOnce } from './exec-once.ts'
import type { Images } from './images.ts'
import type { Inspected } from './inspected.ts'
import { Networks } from './networks.ts'
import { tellNews } from './news.ts'
import { readLogs } from './replica-logs.ts'
import { type Made, startReplica } from './replica-start.ts'
import { Roster } from './roster.ts'
import { openTerminal } from './terminal.ts'
import type { Trouble } from './trouble.ts'
import { Undoing } from './undoing.ts'
import type { Usage } from './usage.ts'

export interface Surroundings {
  /** Empty until this worker has joined for the first time. */
  readonly node: NodeId
  /** The address of this machine at which ports are published. */
  readonly host: string
  /** Of the master that is obeyed. */
  readonly epoch: number
}

export interface DockerDriverParts {
  readonly engine: Engine
  readonly trouble: Trouble
  readonly images: Images
  readonly usage: Usage
  readonly clock: Clock
  readonly log: Log
  readonly surroundings: () => Surroundings
}

export class DockerDriver implements Driver {
  readonly name = 'docker'
  readonly #parts: DockerDriverParts
  readonly #containers: Containers
  readonly #networks: Networks
  readonly #facts: EngineFacts
  readonly #undoing: Undoing
  readonly #roster = new Roster()
  readonly #busy = new Map<ReplicaId, number>()
  readonly #sessions = new Set<ExecSession>()

  constructor(parts: DockerDriverParts) {
    const { engine, clock, log } = parts
    this.#parts = parts
    this.#containers = new Containers(engine, clock)
    this.#networks = new Networks(engine)
    this.#facts = new EngineFacts(engine, clock)
    const { containers, networks } = { containers: this.#containers, networks: this.#networks }
    this.#undoing = new Undoing({ containers, networks, clock, log })
  }

  get trouble(): string | undefined {
    return this.#parts.trouble.sentence
  }

  /** An engine beyond a socket may keep its things on another machine. */
  get storage(): string | undefined {
    const isHere = this.#parts.engine.address.startsWith('unix:')
    return isHere ? this.#facts.last?.storage : undefined
  }

  async capacity(): Promise<Capacity> {
    try {
      const { cpus, memoryMb } = await this.#checked(() => this.#facts.look())
      return { cpus, memoryMb }
    } catch (error) {
      if (!isAway(error)) throw error
      const message = `Cannot reach the Docker Engine at ${this.#parts.engine.address}`
      throw new RequestError(503, 'NO_ENGINE', `${message}: ${error.detail}`)
    }
  }

  async start(order: StartOrder, signal: AbortSignal): Promise<Running> {
    const { replica } = order.assigned
    const { node, host, epoch } = this.#joined(`start "${order.assigned.serviceName}"`)
    const made: Made = {}
    const letGo = this.#networks.hold(order.assigned.networks)
    const free = this.#occupy(replica)
    try {
      await this.#undoing.settle(replica)
      const starting = { order, place: { node, host, port: order.port, epoch }, made, signal }
      const inspected = await this.#checked(() => startReplica({ ...this.#tools() }, starting))
      this.#admit(replica, inspected)
      const startedAtMs = Date.parse(inspected.state.StartedAt)
      const { assigned, port } = order
      return { replica, port, handle: inspected.id, startedAtMs, assigned, epoch }
    } catch (error) {
      if (made.name !== undefined) this.#undoing.begin({ replica, node, made })
      throw error
    } finally {
      letGo()
      free()
    }
  }

  async stop(replica: ReplicaId, graceMs: number): Promise<void> {
    const { node } = this.#parts.surroundings()
    const free = this.#occupy(replica)
    try {
      await this.#undoing.settle(replica)
      await this.#checked(async () => {
        const ids = await this.#containers.idsOf(node, replica)
        await Promise.all(ids.map((id) => this.#containers.end(id, graceMs)))
        await this.#networks.sweep(node)
      })
      this.#roster.forget(replica)
      this.#parts.usage.detach(replica)
    } finally {
      free()
    }
  }

  async list(): Promise<Found> {
    const { node } = this.#parts.surroundings()
    if (node === '') return { running: [], ended: [] }
    const isBusy = (replica: ReplicaId): boolean => this.#busy.has(replica)
    const tools = { ...this.#parts, ...this.#tools(), isBusy }
    const { running, ended, looks } = await this.#checked(() => findAll(tools, node))
    for (const [replica, inspected] of looks) this.#admit(replica, inspected)
    const known = new Set([...looks.keys(), ...this.#busy.keys()])
    for (const gone of this.#roster.retain(known)) this.#parts.usage.detach(gone)
    return { running, ended }
  }

  async watch(hear: (news: News) => void, signal: AbortSignal): Promise<void> {
    const node = (): NodeId => this.#parts.surroundings().node
    const onEnded = (replica: ReplicaId): void => this.#parts.usage.detach(replica)
    const tools = { ...this.#parts, ...this.#tools(), node, onEnded, roster: this.#roster }
    await tellNews(tools, hear, signal)
  }

  stats(replica: ReplicaId): Promise<ReplicaStats | undefined> {
    return this.#parts.usage.of(replica)
  }

  opinion(replica: ReplicaId): Opinion {
    return this.#roster.opinion(replica)
  }

  async exec(
    replica: ReplicaId,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<ExecResult> {
    const container = await this.#containerOf(replica, 'run a command in')
    return await execOnce(this.#parts, { container, command, timeoutMs })
  }

  async *logs(replica: ReplicaId, asked: LogsAsked, signal: AbortSignal): AsyncGenerator<LogLine> {
    const container = await this.#containerOf(replica, 'show output of')
    yield* readLogs(this.#parts, container, asked, signal)
  }

  async open(replica: ReplicaId, asked: ExecAsked, signal: AbortSignal): Promise<ExecSession> {
    const container = await this.#containerOf(replica, 'run a command in')
    const session = await openTerminal(this.#parts, container, asked, signal)
    const forget = (): unknown => this.#sessions.delete(session)
    this.#sessions.add(session)
    session.exited.then(forget, forget)
    return session
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close()
    await this.#undoing.close()
    this.#parts.usage.close()
    this.#parts.engine.close()
  }

  #tools() {
    const containers = this.#containers
    const networks = this.#networks
    return { ...this.#parts, containers, networks, facts: this.#facts }
  }

  #joined(what: string): Surroundings {
    const surroundings = this.#parts.surroundings()
    if (surroundings.node !== '') return surroundings
    throw new Error(`Cannot ${what}: this worker has not joined yet`)
  }

  #admit(replica: ReplicaId, inspected: Inspected): void {
    const { id, state } = inspected
    if (this.#roster.hasEnded(id)) return
    this.#roster.seen(replica, inspected)
    if (state.Pid > 0) this.#parts.usage.attach(replica, { id, pid: state.Pid })
  }

  /** While it is started or stopped, nobody draws conclusions from how it looks. */
  #occupy(replica: ReplicaId): () => void {
    this.#busy.set(replica, (this.#busy.get(replica) ?? 0) + 1)
    return () => {
      const left = (this.#busy.get(replica) ?? 1) - 1
      if (left === 0) this.#busy.delete(replica)
      else this.#busy.set(replica, left)
    }
  }

  /** When it fails for want of an engine, `trouble` says so as soon as the caller hears of it. */
  async #checked<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      if (isAway(error)) await this.#parts.trouble.check()
      throw error
    }
  }

  /** Also one that has ended, while it is there. */
  async #containerOf(replica: ReplicaId, what: string): Promise<string> {
    const resident = this.#roster.get(replica)
    if (resident !== undefined) return resident.id
    const { node } = this.#joined(`${what} ${replica}`)
    const [id] = await this.#containers.idsOf(node, replica)
    if (id !== undefined) return id
    const message = `Cannot ${what} ${replica}: it has no container here`
    throw new RequestError(404, 'NOT_FOUND', message)
  }
}
