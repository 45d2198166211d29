import { Bell } from '../shared/bell.ts'
import type { Clock } from '../shared/clock.ts'
import { MasterUnreachable } from '../shared/control-client.ts'
import { isRenewalDue } from '../shared/credential.ts'
import { RequestError } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { HostLoad } from '../shared/model.ts'
import { type Assignments, type NodeJoined, WIRE_VERSION } from '../shared/protocol.ts'
import { Backoff } from './backoff.ts'
import { Connection, type Wire } from './connection.ts'
import { ReportBook } from './decide/report.ts'
import type { LocalReplicas } from './local-replicas.ts'
import type { MasterLink } from './master-link.ts'
import type { Membership } from './membership.ts'
import type { Obedience } from './obedience.ts'

export interface AgentParts {
  readonly link: MasterLink
  readonly membership: Membership
  readonly obedience: Obedience
  readonly replicas: Pick<LocalReplicas, 'assume' | 'obey' | 'reports' | 'isBlind'>
  readonly hostLoad: () => HostLoad
  /** Why nothing can be started or stopped here now. */
  readonly trouble: () => string | undefined
  readonly metricsPort: number
  /** One life of this process. */
  readonly boot: string
  readonly clock: Clock
  readonly log: Log
  /** Told before anything is started for a master, with the address that replicas listen on. */
  readonly onJoined: (joined: NodeJoined) => Promise<void>
}

/** Transitions are told at once, but a storm of them shares messages. */
const REPORT_GAP_MS = 50
const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 2_000
const JOIN_RETRY_MAX_MS = 5_000
const TROUBLE_LENGTH_MAX = 500

/** These answers do not change by waiting. */
const FINAL_REFUSALS: readonly number[] = [400, 401, 403, 409, 410, 422, 426]

const REFUSALS: readonly number[] = [401, 403]

/** Speaks with the master: joins, reports, hears what to run. */
export class Agent {
  readonly #parts: AgentParts
  readonly #connection: Connection
  readonly #bell = new Bell()
  readonly #book = new ReportBook()
  readonly #ending = new AbortController()
  #isLeaving = false
  #isRemoved = false
  #joined: NodeJoined | undefined
  #joining: Promise<void> | undefined
  /** Ends the long poll of an earlier membership. */
  #polling = new AbortController()
  /** What was obeyed, and what the next poll may skip. */
  #revision = 0
  #after: number | undefined
  /** Of the master that the reports go to. */
  #epoch = 0

  constructor(parts: AgentParts) {
    this.#parts = parts
    this.#connection = new Connection(parts.log)
  }

  get node(): string | undefined {
    return this.#joined?.node
  }

  get isAway(): boolean {
    return this.#connection.isAway
  }

  /** The master has removed this node on purpose. */
  get isRemoved(): boolean {
    return this.#isRemoved
  }

  /** Something changed that the master should hear of at once. */
  ring(): void {
    this.#bell.ring()
  }

  /** Until the signal aborts or the node is removed; throws when the first join is refused. */
  async run(signal: AbortSignal): Promise<void> {
    const ended = (): void => this.#ending.abort()
    signal.addEventListener('abort', ended, { once: true })
    if (signal.aborted) ended()
    const end = this.#ending.signal
    end.addEventListener('abort', () => this.#polling.abort(), { once: true })
    await this.#join(end, 'first')
    await Promise.all([this.#keepReporting(end), this.#keepHearing(end)])
  }

  /** Asks the master to move everything away; answers whether it will. */
  async leave(): Promise<boolean> {
    const node = this.#joined?.node
    const { signal } = this.#ending
    if (node === undefined) return false
    this.#isLeaving = await this.#call('leave', () => this.#parts.link.leave(node, signal), signal)
    return this.#isLeaving
  }

  async #join(signal: AbortSignal, turn: 'first' | 'again'): Promise<void> {
    const { clock, membership } = this.#parts
    const backoff = new Backoff(clock, RETRY_MIN_MS, JOIN_RETRY_MAX_MS)
    while (!signal.aborted) {
      try {
        await this.#enter(await membership.join((joined) => this.#expectEpoch(joined), signal))
        this.#connection.works('join')
        return
      } catch (error) {
        if (signal.aborted) return
        if (!isExpected(error) || (turn === 'first' && isFinal(error))) throw error
        this.#connection.fails('join', error)
        this.#goOnAlone()
      }
      await backoff.pause(signal)
    }
  }

  #expectEpoch({ epoch }: NodeJoined): void {
    const { obedience } = this.#parts
    if (obedience.accepts(epoch)) return
    const message = `Cannot join: the master's epoch ${epoch} is older than what was obeyed before`
    throw new RequestError(409, 'OLDER_MASTER', `${message}; ${obedience.remedy}`)
  }

  async #enter(joined: NodeJoined): Promise<void> {
    const { log, onJoined } = this.#parts
    await onJoined(joined)
    if (this.#joined?.node !== joined.node) log.info('joined the cluster', { node: joined.node })
    this.#joined = joined
    this.#after = undefined
    this.#epoch = joined.epoch
    this.#book.startAfresh()
    this.#polling.abort()
    this.#polling = new AbortController()
  }

  /** Whoever notices that the master does not know us joins again; others wait for that. */
  #rejoin(): Promise<void> {
    this.#joining ??= this.#join(this.#ending.signal, 'again').finally(() => {
      this.#joining = undefined
    })
    return this.#joining
  }

  /** Nothing of an earlier life is missed for want of a master. */
  #goOnAlone(): void {
    const { last } = this.#parts.obedience
    if (last !== undefined) this.#parts.replicas.assume(last.replicas)
  }

  async #keepReporting(signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts
    while (!signal.aborted) {
      const sentAtMs = clock.nowMs()
      await this.#call('reports', () => this.#report(signal), signal)
      await clock.sleep(Math.max(0, REPORT_GAP_MS - (clock.nowMs() - sentAtMs)), signal)
      const everyMs = this.#joined?.heartbeatEveryMs ?? REPORT_GAP_MS
      await this.#bell.wait(Math.max(0, everyMs - (clock.nowMs() - sentAtMs)), clock, signal)
    }
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { link, replicas, hostLoad, trouble, boot, metricsPort, membership, clock } = this.#parts
    const { credential } = membership
    if (credential !== undefined && isRenewalDue(credential, clock.nowMs())) {
      await this.#rejoin()
    }
    const node = this.#joined?.node
    if (node === undefined) return
    const { isBlind } = replicas
    if (isBlind) this.#book.startAfresh()
    const delta = this.#book.next(isBlind ? new Map() : replicas.reports)
    const told = trouble()?.slice(0, TROUBLE_LENGTH_MAX)
    const sight = isBlind ? { unseen: true as const } : {}
    const state = { load: hostLoad(), ...sight, ...(told === undefined ? {} : { trouble: told }) }
    const body = { boot, ...delta, ...state, assignments: this.#revision, metricsPort }
    const answer = await link.heartbeat(node, { wire: WIRE_VERSION, ...body }, signal)
    const before = this.#epoch
    if (!this.#parts.obedience.accepts(answer.epoch)) return
    this.#book.acknowledge(answer)
    if (answer.epoch !== before || isBlind) this.#book.startAfresh()
    this.#epoch = answer.epoch
    if (answer.wantFull) this.#bell.ring()
  }

  async #keepHearing(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(this.#parts.clock, RETRY_MIN_MS, RETRY_MAX_MS)
    while (!signal.aborted) {
      const polling = this.#polling.signal
      const heard = await this.#call('assignments', () => this.#hear(polling), polling)
      if (heard) backoff.reset()
      if (heard || polling.aborted) continue
      // An answer at once shows that the master is back, where a long poll would leave it open.
      this.#after = undefined
      await backoff.pause(polling)
    }
  }

  async #hear(signal: AbortSignal): Promise<void> {
    const node = this.#joined?.node
    if (node === undefined) return
    const { link, obedience } = this.#parts
    const answer = await link.assignments(node, this.#after, signal)
    if (signal.aborted) return
    if (obedience.accepts(answer.epoch)) await this.#obey(answer)
    // An older master answers at once each time: it is not asked in a tight loop.
    else await this.#parts.clock.sleep(RETRY_MAX_MS, signal)
  }

  async #obey({ epoch, revision, replicas }: Assignments): Promise<void> {
    const { obedience, clock } = this.#parts
    const last = obedience.last
    if (revision === this.#after && epoch === last?.epoch) {
      await clock.sleep(REPORT_GAP_MS)
      return
    }
    const { node = '', address = '' } = this.#joined ?? {}
    this.#parts.replicas.obey(replicas)
    this.#revision = revision
    this.#after = revision
    this.#bell.ring()
    await obedience.remember({ epoch, node, address, replicas })
  }

  #remove(): void {
    this.#isRemoved = true
    this.#ending.abort()
  }

  /** Answers whether the call went well; the master's silence and refusals are handled here. */
  async #call(wire: Wire, call: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
    try {
      await call()
      this.#connection.works(wire)
      return true
    } catch (error) {
      if (signal.aborted) return false
      if (!isExpected(error)) throw error
      const status = error instanceof RequestError ? error.status : 0
      // A certificate ends with its node, and a worker that leaves expects just that.
      if (status === 410 || (this.#isLeaving && REFUSALS.includes(status))) this.#remove()
      else if (status === 404) await this.#rejoin()
      else this.#connection.fails(wire, error)
      return false
    }
  }
}

function isExpected(error: unknown): boolean {
  return error instanceof MasterUnreachable || error instanceof RequestError
}

function isFinal(error: unknown): boolean {
  return error instanceof RequestError && FINAL_REFUSALS.includes(error.status)
}
