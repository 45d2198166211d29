import type { Clock } from '../shared/clock.ts'
import { RequestError } from '../shared/errors.ts'
import type { ServiceMeasurement } from '../shared/protocol.ts'
import type { LeaverState } from './decide/leavers.ts'
import { type MeasurementSenderParts, sendMeasurements } from './measurement-sender.ts'
import type { Membership } from './membership.ts'
import { Reachability } from './reachability.ts'

export interface ReporterParts extends Omit<MeasurementSenderParts, 'membership'> {
  readonly membership: Membership
}

/** Takes what is told to the process that reports in this one's place. */
export type Tell = (state: LeaverState, measured: readonly ServiceMeasurement[]) => void

/** Refusals that asking again will not change. */
const FINAL = new Set([400, 401, 403, 409, 410, 422, 426])
/** A report that is under way may take so long before it is given up. */
const SILENCE_MAX_MS = 3_000
/** However often the bell rings, another process is told at most this often. */
const APART_MS = 50

interface Turn {
  /** Aborts between two reports. */
  readonly silence: AbortController
  /** Aborts also in the middle of one. */
  readonly cut: AbortController
  readonly done: Promise<void>
}

/** Who tells the master what goes on here: this process, or another one that it tells. */
export class Reporter {
  /** Rejects with the master's refusal; it never resolves. */
  readonly refused: Promise<never>
  readonly #parts: ReporterParts
  readonly #stopping = new AbortController()
  #refuse: (error: unknown) => void = () => undefined
  #turn: Turn | undefined
  #telling: { readonly tell: Tell; readonly over: AbortController } | undefined
  #joined = false
  #orphaned = false
  #onJoined: () => void = () => undefined

  constructor(parts: ReporterParts) {
    this.#parts = parts
    this.refused = new Promise((_, reject) => {
      this.#refuse = reject
    })
  }

  /** It knows this proxy, and this process is the one that it knows. */
  get isJoined(): boolean {
    return this.#joined && this.#turn !== undefined
  }

  /** Resolves when a master has taken this proxy in. */
  joined(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#joined) resolve()
      else this.#onJoined = resolve
    })
  }

  /** Joins in the background and reports from then on, whether a master is there or not. */
  report(): void {
    if (this.#turn !== undefined || this.#stopping.signal.aborted) return
    this.#telling?.over.abort()
    this.#telling = undefined
    const silence = new AbortController()
    const cut = new AbortController()
    const done = this.#run(silence, cut)
    done.catch(this.#refuse)
    this.#turn = { silence, cut, done }
  }

  /** Another one reports from now on; what it must know is told at once, and again when it changes. */
  async handOver(tell: Tell): Promise<void> {
    await this.#fallSilent()
    // It may have been taken back in the meantime.
    if (this.#stopping.signal.aborted || this.#turn !== undefined) return
    const over = new AbortController()
    this.#telling = { tell, over }
    this.#tellOnce(tell)
    void this.#keepTelling(tell, over.signal)
  }

  /** Nobody speaks for this process any more, and another may have its name: it joins no more. */
  orphan(): void {
    this.#orphaned = true
  }

  /** Ends the reports; answers whether a master has to hear the goodbye of this process. */
  async stop(): Promise<boolean> {
    const speaks = this.isJoined && !this.#orphaned
    this.#stopping.abort()
    if (this.#telling !== undefined) this.#tellOnce(this.#telling.tell)
    this.#telling?.over.abort()
    await this.#fallSilent()
    // Whoever waits for the first answer of a master waits no more.
    this.#onJoined()
    return speaks
  }

  async #run(silence: AbortController, cut: AbortController): Promise<void> {
    const { membership } = this.#parts
    await this.#joinFirst(silence.signal)
    if (silence.signal.aborted) return
    this.#joined = true
    this.#onJoined()
    const member = {
      get id() {
        return membership.id
      },
      boot: membership.boot,
      renewIfDue: (signal: AbortSignal) => membership.renewIfDue(signal),
      join: async (signal: AbortSignal) => {
        if (this.#orphaned) silence.abort()
        else await membership.join(signal)
      },
    }
    await sendMeasurements({ ...this.#parts, membership: member }, cut.signal, silence.signal)
  }

  /** Tries until a master takes this proxy in; a final refusal ends a proxy that has no table. */
  async #joinFirst(signal: AbortSignal): Promise<void> {
    const { membership, log, traffic, clock } = this.#parts
    const reachability = new Reachability(log, 'joining')
    while (!signal.aborted) {
      try {
        await membership.join(signal)
        reachability.succeeded()
        log.info('proxy joined', { proxy: membership.id })
        return
      } catch (error) {
        if (signal.aborted) return
        const final = error instanceof RequestError && FINAL.has(error.status)
        if (final && traffic.table.revision === undefined) throw error
        await clock.sleep(reachability.failed(error), signal)
      }
    }
  }

  async #fallSilent(): Promise<void> {
    const turn = this.#turn
    this.#turn = undefined
    if (turn === undefined) return
    const { clock } = this.#parts
    turn.silence.abort()
    const ended = turn.done.catch(() => undefined)
    if (this.#stopping.signal.aborted) turn.cut.abort()
    else await atMost(ended, SILENCE_MAX_MS, clock)
    turn.cut.abort()
    await ended
  }

  async #keepTelling(tell: Tell, signal: AbortSignal): Promise<void> {
    const { bell, clock, everyMs } = this.#parts
    while (!signal.aborted) {
      await clock.sleep(APART_MS, signal)
      await bell.wait(everyMs, clock, signal)
      if (!signal.aborted) this.#tellOnce(tell)
    }
  }

  #tellOnce(tell: Tell): void {
    const { reports, traffic, leavers, clock } = this.#parts
    const { table } = traffic
    const report = reports.next(clock.nowMs())
    reports.acknowledged(report.seq)
    const routes = table.revision ?? { epoch: 0, seq: 0 }
    const inFlight = Object.fromEntries(traffic.inFlight)
    // Those that left before it tell for themselves how it is with them.
    tell({ routes, inFlight }, [...report.services, ...leavers.take()])
  }
}

async function atMost(work: Promise<void>, ms: number, clock: Clock): Promise<void> {
  const done = new AbortController()
  await Promise.race([work, clock.sleep(ms, done.signal)])
  done.abort()
}
