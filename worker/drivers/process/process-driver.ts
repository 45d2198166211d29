import type { ChildProcess } from 'node:child_process'
import { availableParallelism, totalmem } from 'node:os'
import { resolve } from 'node:path'
import { type Clock, repeat } from '../../../shared/clock.ts'
import { notFound, RequestError, sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { Capacity, ReplicaId } from '../../../shared/model.ts'
import type { LogLine } from '../../../shared/stream-protocol.ts'
import type { LedgerEntry, ProcessIdentity } from '../../shapes.ts'
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
import { runCommand } from './command.ts'
import { environmentOf, MARK, type Surroundings } from './environment.ts'
import { Ledger } from './ledger.ts'
import { boundOutput } from './output.ts'
import { readLogs } from './process-logs.ts'
import { bootId, findFounder, identify, isAlive } from './process-table.ts'
import { openSession } from './process-terminal.ts'
import { endSession, killSession } from './session.ts'
import { type Launch, launch } from './spawn.ts'
import { Usage } from './usage.ts'

/** How soon the end of a process that an earlier worker started is noticed, at the latest. */
const POLL_MS = 250
const BYTES_PER_MB = 1_048_576
/** Commands that people run in replicas at once. */
const SESSIONS_MAX = 32

export interface ProcessDriverParts {
  readonly directory: string
  readonly clock: Clock
  readonly log: Log
  readonly surroundings: () => Surroundings
}

interface Living {
  readonly entry: LedgerEntry
  readonly process: ProcessIdentity
  /** Started by this very worker process, which is told of its end with the exit code. */
  readonly isChild: boolean
}

/** Runs replicas as plain processes that outlive the worker and are found again by it. */
export class ProcessDriver implements Driver {
  readonly name = 'process'
  readonly #parts: ProcessDriverParts
  readonly #ledger: Ledger
  readonly #usage: Usage
  readonly #living = new Map<ReplicaId, Living>()
  readonly #listeners = new Set<(news: News) => void>()
  readonly #sessions = new Set<ExecSession>()

  constructor(parts: ProcessDriverParts) {
    this.#parts = parts
    this.#ledger = new Ledger(resolve(parts.directory))
    this.#usage = new Usage(parts.clock)
  }

  /** Processes need nothing but this machine. */
  readonly trouble = undefined
  readonly storage = undefined

  async capacity(): Promise<Capacity> {
    const memoryMb = Math.max(1, Math.floor(totalmem() / BYTES_PER_MB))
    return { cpus: availableParallelism(), memoryMb }
  }

  async start({ assigned, port }: StartOrder, signal: AbortSignal): Promise<Running> {
    const { serviceName, command } = assigned
    if (command.length === 0) {
      const has = assigned.image === undefined ? 'neither image nor command' : 'only an image'
      const message = `Cannot start "${serviceName}": the process driver runs commands and it has ${has}`
      throw new RequestError(422, 'NO_COMMAND', message)
    }
    await this.#clear(assigned.replica)
    signal.throwIfAborted()
    const startedAtMs = this.#parts.clock.nowMs()
    const folder = this.#ledger.folderOf(assigned.replica)
    // Written before there is a process: if the worker dies in between, the process is found.
    await this.#ledger.write({ assigned, port, startedAtMs })
    const environment = environmentOf(assigned, { folder, port }, this.#parts.surroundings())
    const child = await launch({ command, folder, environment }).catch((error: unknown) => {
      throw new RequestError(422, 'START', `Cannot start "${serviceName}": ${sentenceOf(error)}`)
    })
    const process = await identifyChild(child)
    const entry = { assigned, port, startedAtMs, process }
    const living = { entry, process, isChild: true }
    this.#living.set(assigned.replica, living)
    this.#attend(child, assigned.replica, process)
    await this.#ledger.write(entry)
    return runningOf(living)
  }

  async stop(replica: ReplicaId, graceMs: number): Promise<void> {
    const living = this.#living.get(replica)
    if (living !== undefined) {
      await endSession(living.process.pid, graceMs, this.#parts.clock)
      this.#forget(replica, living)
    }
    await this.#ledger.close(replica)
  }

  async list(): Promise<Found> {
    for (const replica of await this.#ledger.replicas()) {
      if (!this.#living.has(replica)) await this.#adopt(replica)
    }
    return { running: [...this.#living.values()].map(runningOf), ended: [] }
  }

  async watch(hear: (news: News) => void, signal: AbortSignal): Promise<void> {
    this.#listeners.add(hear)
    await repeat(() => this.#patrol(), POLL_MS, this.#parts.clock, signal)
    this.#listeners.delete(hear)
  }

  async stats(replica: ReplicaId): Promise<ReplicaStats | undefined> {
    const living = this.#living.get(replica)
    return living === undefined ? undefined : this.#usage.of(living.process.pid)
  }

  opinion(): Opinion {
    return { kind: 'none' }
  }

  async *logs(replica: ReplicaId, asked: LogsAsked, signal: AbortSignal): AsyncGenerator<LogLine> {
    const folder = this.#ledger.folderOf(replica)
    if (!(await this.#ledger.replicas()).includes(replica)) {
      throw notFound('the output of replica', replica)
    }
    const isOver = async (): Promise<boolean> => {
      // Between two runs there is a note, but no process.
      return !this.#living.has(replica) && (await this.#ledger.read(replica)).kind === 'none'
    }
    yield* readLogs({ folder, clock: this.#parts.clock, isOver }, asked, signal)
  }

  async open(replica: ReplicaId, asked: ExecAsked, signal: AbortSignal): Promise<ExecSession> {
    if (asked.terminal !== undefined) {
      const message = 'Cannot open a terminal: the process driver has none; run it without -t'
      throw new RequestError(422, 'NO_TERMINAL', message)
    }
    if (this.#sessions.size >= SESSIONS_MAX) {
      const message = `Cannot run a command in ${replica}: ${SESSIONS_MAX} run on this node already`
      throw new RequestError(503, 'TOO_MANY_COMMANDS', message)
    }
    const session = await openSession(this.#launchIn(replica, asked.command), this.#parts)
    this.#sessions.add(session)
    void session.exited.then(() => this.#sessions.delete(session))
    if (signal.aborted) session.close()
    return session
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.close()
  }

  async exec(
    replica: ReplicaId,
    command: readonly string[],
    timeoutMs: number,
  ): Promise<ExecResult> {
    return runCommand(this.#launchIn(replica, command), timeoutMs, this.#parts.clock)
  }

  #launchIn(replica: ReplicaId, command: readonly string[]): Launch {
    const living = this.#living.get(replica)
    if (living === undefined) {
      const message = `Cannot run a command in ${replica}: it does not run here`
      throw new RequestError(409, 'NOT_RUNNING', message)
    }
    const { assigned, port } = living.entry
    const folder = this.#ledger.folderOf(replica)
    const environment = environmentOf(assigned, { folder, port }, this.#parts.surroundings())
    // Such a command is no replica: it must never be taken for one.
    delete environment[MARK]
    return { command, folder, environment }
  }

  /** Nothing of an earlier run may be left when a new one starts. */
  async #clear(replica: ReplicaId): Promise<void> {
    await this.#adopt(replica)
    const living = this.#living.get(replica)
    if (living === undefined) return
    await killSession(living.process.pid, this.#parts.clock)
    this.#forget(replica, living)
  }

  async #adopt(replica: ReplicaId): Promise<void> {
    const note = await this.#ledger.read(replica)
    if (note.kind === 'none') return
    const folder = this.#ledger.folderOf(replica)
    if (note.kind === 'damaged') {
      const { log, clock } = this.#parts
      log.error('damaged replica note', { replica, reason: note.reason })
      const founder = await findFounder(folder, `${MARK}=${replica}`)
      if (founder !== undefined) await killSession(founder.pid, clock)
      await this.#ledger.close(replica)
      return
    }
    const { entry } = note
    const process = entry.process ?? (await findFounder(folder, `${MARK}=${replica}`))
    if (process !== undefined && (await isAlive(process))) {
      this.#living.set(replica, { entry, process, isChild: false })
      return
    }
    if (process !== undefined) await this.#sweep(process)
    await this.#ledger.close(replica)
  }

  #attend(child: ChildProcess, replica: ReplicaId, process: ProcessIdentity): void {
    const ended = (code: number | null, signal: string | null): void => {
      const reason = code === null ? `killed by ${signal}` : `exited with code ${code}`
      this.#ended(replica, process, reason)
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      ended(child.exitCode, child.signalCode)
    } else child.once('exit', ended)
  }

  #ended(replica: ReplicaId, process: ProcessIdentity, reason: string): void {
    const living = this.#living.get(replica)
    if (living?.process !== process) return
    this.#forget(replica, living)
    this.#sweep(process).catch((error: unknown) => {
      this.#parts.log.error('leftover of a replica', { replica, reason: sentenceOf(error) })
    })
    const exit: News = { kind: 'exit', replica, handle: handleOf(process), reason }
    for (const hear of this.#listeners) hear(exit)
  }

  /** Ends what a process left behind, unless its number already names somebody else. */
  async #sweep(process: ProcessIdentity): Promise<void> {
    if (process.bootId !== (await bootId())) return
    const now = await identify(process.pid)
    if (now !== undefined && now.startedTicks !== process.startedTicks) return
    await killSession(process.pid, this.#parts.clock)
  }

  #forget(replica: ReplicaId, { process }: Living): void {
    this.#usage.forget(process.pid)
    if (this.#living.get(replica)?.process === process) this.#living.delete(replica)
  }

  async #patrol(): Promise<void> {
    for (const [replica, { process, isChild }] of [...this.#living]) {
      await boundOutput(this.#ledger.folderOf(replica))
      if (!isChild && !(await isAlive(process))) this.#ended(replica, process, 'ended')
    }
  }
}

async function identifyChild(child: ChildProcess): Promise<ProcessIdentity> {
  const pid = child.pid ?? 0
  const found = await identify(pid)
  if (found !== undefined) return found
  // It has ended already; its exit event is on its way.
  return { pid, startedTicks: 0, bootId: await bootId() }
}

function handleOf({ pid }: ProcessIdentity): string {
  return String(pid)
}

function runningOf({ entry, process }: Living): Running {
  const { assigned, port, startedAtMs } = entry
  const handle = handleOf(process)
  return { replica: assigned.replica, port, handle, startedAtMs, assigned }
}
