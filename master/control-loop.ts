/** Reads, plans, commits, publishes; woken by what is seen, and at least once a period. */
import { Bell } from '../shared/bell.ts'
import type { Clock } from '../shared/clock.ts'
import type { Decision } from '../shared/decision.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { DemandWindows } from './decide/demand.ts'
import type { Limits } from './decide/limits.ts'
import { isSettled } from './decide/liveness.ts'
import type { Observed } from './decide/observed.ts'
import { plan } from './decide/plan.ts'
import { routing } from './decide/routing.ts'
import type { DecisionLog } from './decision-log.ts'
import type { Ledger } from './ledger.ts'
import type { RouteTable } from './route-table.ts'
import { Conflict, Fenced, StoreUnavailable } from './store/store.ts'

export interface ControlLoopParts {
  readonly ledger: Ledger
  readonly observed: Observed
  readonly demand: DemandWindows
  readonly routes: RouteTable
  readonly decisions: DecisionLog
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
  readonly periodMs: number
  readonly newId: () => string
  readonly onPass?: (pass: Pass) => void
}

export interface Pass {
  readonly tookMs: number
  readonly changes: number
  readonly decisions: readonly Decision[]
}

/** Wakes that come faster than this are answered together. */
const PASS_GAP_MS = 20
/** New endpoints wait for each other so long; removals never wait. */
const PUBLISH_GAP_MS = 200
const ROUNDS_MAX = 5

export class ControlLoop {
  readonly #parts: ControlLoopParts
  readonly #bell = new Bell()
  #publishedAtMs = Number.NEGATIVE_INFINITY
  #failing = false

  constructor(parts: ControlLoopParts) {
    this.#parts = parts
  }

  wake(): void {
    this.#bell.ring()
  }

  /** Runs until the signal aborts; throws only when this master can never commit again. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, periodMs } = this.#parts
    while (!signal.aborted) {
      await this.#passSafely()
      await clock.sleep(PASS_GAP_MS, signal)
      await this.#bell.wait(periodMs, clock, signal)
    }
  }

  get isFailing(): boolean {
    return this.#failing
  }

  async #passSafely(): Promise<void> {
    try {
      await this.#pass()
      if (this.#failing) this.#parts.log.info('decisions are stored again')
      this.#failing = false
    } catch (error) {
      if (isFinal(error)) throw error
      if (!this.#failing) {
        this.#parts.log.error('decisions cannot be stored', { reason: sentenceOf(error) })
      }
      this.#failing = true
    }
  }

  async #pass(): Promise<void> {
    const { clock, demand, observed, onPass } = this.#parts
    const startedMs = clock.nowMs()
    demand.tick(startedMs, observed.demandComplete)
    let changes = 0
    let decisions: readonly Decision[] = []
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const planned = await this.#planAndCommit()
      decisions = planned.decisions
      changes += planned.changes
      this.#publish()
      if (planned.changes === 0) break
    }
    onPass?.({ tookMs: clock.nowMs() - startedMs, changes, decisions })
  }

  async #planAndCommit(): Promise<{ changes: number; decisions: readonly Decision[] }> {
    const { ledger, observed, limits, clock, decisions, newId, demand } = this.#parts
    let made: readonly Decision[] = []
    let changes = 0
    await ledger.commit((desired) => {
      const planned = plan(desired, observed, { nowMs: clock.nowMs(), limits, newId })
      made = planned.decisions
      changes = planned.changes.length
      return planned.changes
    })
    for (const decision of made) decisions.add(decision)
    decisions.keepOnly(ledger.desired.services)
    demand.keepOnly(ledger.desired.services)
    return { changes, decisions: made }
  }

  #publish(): void {
    const { ledger, observed, limits, clock, routes } = this.#parts
    const nowMs = clock.nowMs()
    if (!isSettled(ledger.desired.nodes.values(), observed, limits, nowMs)) return
    const fragments = routing(ledger.desired, observed, limits, nowMs)
    const present = new Set(fragments.flatMap((f) => f.endpoints.map(({ replica }) => replica)))
    const removes = [...observed.routes.routed].some((replica) => !present.has(replica))
    if (!removes && nowMs - this.#publishedAtMs < PUBLISH_GAP_MS) return
    if (routes.publish(fragments)) this.#publishedAtMs = nowMs
  }
}

/** Another master leads, somebody else wrote to our log, or the store is gone for good. */
function isFinal(error: unknown): boolean {
  if (error instanceof Fenced || error instanceof Conflict) return true
  return error instanceof StoreUnavailable && error.code === 'STORE_STOPPED'
}
