/** One master, some workers and a proxy as child processes, restarted when they crash. */

import type { NodeView } from '../../../shared/api.ts'
import { type Clock, repeat } from '../../../shared/clock.ts'
import { nodesAnswer, proxiesAnswer } from '../answers.ts'
import type { Api } from '../api.ts'
import { CliError } from '../failure.ts'
import { boundLog, type Exit, keepRunning, lastWords } from './child.ts'
import {
  type ChildPlan,
  masterChild,
  masterUrl,
  proxyChild,
  proxyUrl,
  type UpPlan,
  workerChildren,
} from './plan.ts'
import { identify, type ProcessIdentity } from './processes.ts'
import { claimState, type Recorded, removeState, type UpState, writeState } from './state.ts'
import { type Stopped, stopAll } from './stop.ts'

const START_MAX_MS = 60_000
const LOOK_EVERY_MS = 50
const BOUND_LOGS_EVERY_MS = 60_000

export interface SupervisorParts {
  readonly plan: UpPlan
  readonly api: Api
  readonly clock: Clock
  /** Tells what happens to the programs, one sentence each. */
  tell(sentence: string): void
}

export class Supervisor {
  readonly #parts: SupervisorParts
  readonly #stopping = new AbortController()
  readonly #running: Promise<void>[] = []
  readonly #children = new Map<string, Recorded>()
  readonly #startedAt: string
  #ready = false
  #failure: string | undefined

  constructor(parts: SupervisorParts) {
    this.#parts = parts
    this.#startedAt = new Date(parts.clock.nowMs()).toISOString()
  }

  get state(): UpState {
    const { plan } = this.#parts
    const supervisor = identify(process.pid)
    if (supervisor === undefined) throw new CliError('Cannot find this process in /proc')
    const children = [...this.#children.values()]
    const urls = { host: plan.host, master: masterUrl(plan), proxy: proxyUrl(plan) }
    const { version, ready, startedAt } = {
      version: 1 as const,
      ready: this.#ready,
      startedAt: this.#startedAt,
    }
    return { version, supervisor, ready, startedAt, ...urls, children }
  }

  /** Resolves when every node is ready and the proxy reports; throws when a program ends before. */
  async start(signal: AbortSignal): Promise<void> {
    const { plan } = this.#parts
    if (!claimState(plan.dir, this.state)) {
      throw new CliError(`Cannot start in ${plan.dir}: another "up" began at the same moment`)
    }
    this.#run(masterChild(plan))
    await this.#until('the master answers', signal, () => this.#masterAnswers())
    for (const worker of workerChildren(plan)) this.#run(worker)
    this.#run(proxyChild(plan))
    await this.#until('every program has joined', signal, () => this.#allJoined())
    this.#ready = true
    writeState(plan.dir, this.state)
    this.#running.push(
      repeat(
        () => this.#boundLogs(),
        BOUND_LOGS_EVERY_MS,
        this.#parts.clock,
        this.#stopping.signal,
      ),
    )
  }

  /** Ends everything; nothing is left behind, also not after a start that failed. */
  async stop(urgent: AbortSignal): Promise<Stopped> {
    const { plan, clock } = this.#parts
    this.#stopping.abort()
    const children = [...this.#children.values()]
    const stopped = await stopAll({ dir: plan.dir, children, clock, urgent })
    await Promise.all(this.#running)
    removeState(plan.dir)
    return stopped
  }

  #run(plan: ChildPlan): void {
    const watch = {
      started: (process: ProcessIdentity | undefined) => this.#record(plan, process),
      ended: (exit: Exit, waitMs: number | undefined) => this.#noteExit(plan, exit, waitMs),
    }
    const { clock } = this.#parts
    this.#running.push(keepRunning(plan, watch, clock, this.#stopping.signal))
  }

  #record({ role, name, log, address }: ChildPlan, process: ProcessIdentity | undefined): void {
    this.#children.set(name, {
      role,
      name,
      log,
      ...(address === undefined ? {} : { address }),
      ...(process === undefined ? {} : { process }),
    })
    writeState(this.#parts.plan.dir, this.state)
  }

  #noteExit(plan: ChildPlan, { reason }: Exit, waitMs: number | undefined): void {
    if (!this.#ready) {
      const what = plan.role === plan.name ? `the ${plan.name}` : plan.name
      this.#failure = `Cannot start ${what}: ${lastWords(plan.log) ?? `it ${reason}`}`
      return
    }
    const next = waitMs === undefined ? 'it stays ended' : `again in ${waitMs / 1000} s`
    this.#parts.tell(`${plan.name} ${reason}; ${next}`)
  }

  async #until(what: string, signal: AbortSignal, check: () => Promise<boolean>): Promise<void> {
    const { clock, plan } = this.#parts
    const untilMs = clock.nowMs() + START_MAX_MS
    const next = `Look into ${plan.dir}/logs.`
    while (!(await check())) {
      if (this.#failure !== undefined) throw new CliError(this.#failure, { next })
      if (signal.aborted) throw new CliError('Stopped before everything had started')
      if (clock.nowMs() > untilMs) {
        throw new CliError(`Cannot start: after ${START_MAX_MS / 1000} s not yet ${what}`, { next })
      }
      await clock.sleep(LOOK_EVERY_MS, signal)
    }
  }

  #masterAnswers(): Promise<boolean> {
    return this.#parts.api.get('/v1/health').then(
      () => true,
      () => false,
    )
  }

  async #allJoined(): Promise<boolean> {
    const { api, plan } = this.#parts
    try {
      const { nodes } = nodesAnswer(await api.get('/v1/nodes'))
      const { proxies } = proxiesAnswer(await api.get('/v1/proxies'))
      const names = new Set(nodes.filter(isUsable).map((node) => node.name))
      return proxies.length > 0 && workerChildren(plan).every(({ name }) => names.has(name))
    } catch {
      // It starts, or it has just crashed; the deadline or its exit tells.
      return false
    }
  }

  #boundLogs(): void {
    for (const { log } of this.#children.values()) boundLog(log)
  }
}

/** It has reported. Also a busy machine has joined: it only gets nothing new. */
function isUsable({ condition, seenAt }: NodeView): boolean {
  return seenAt !== undefined && condition !== 'lost' && condition !== 'suspect'
}
