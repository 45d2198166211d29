/** Asks one master after another until one answers, beginning with the last that did. */
import type { CallDeadline } from './call-deadline.ts'
import { RequestError } from './errors.ts'
import { MasterUnreachable } from './master-unreachable.ts'
import { isBeforeSending, isNetworkFailure, reasonOf } from './network-failure.ts'

export interface FailoverPlan {
  /** Whether the attempt may be made again after its request may have arrived. */
  readonly idempotent: boolean
  readonly deadline: CallDeadline
}

export interface Failover<C> {
  run<T>(plan: FailoverPlan, attempt: (channel: C) => Promise<T>): Promise<T>
  /** The last that answered; the first one before any did. */
  current(): C | undefined
  /** The last that was asked. */
  asked(): C | undefined
}

interface Failure {
  readonly origin: string
  readonly error: unknown
}

const UNAVAILABLE = 503

export function createFailover<C extends { readonly origin: string }>(
  channels: readonly C[],
): Failover<C> {
  let preferred = 0
  let asked = channels[0]

  async function run<T>(plan: FailoverPlan, attempt: (channel: C) => Promise<T>): Promise<T> {
    const failures: Failure[] = []
    const first = preferred
    const order = [...channels.slice(first), ...channels.slice(0, first)]
    for (const channel of order) {
      asked = channel
      try {
        const value = await attemptTwice(plan, () => attempt(channel))
        preferred = channels.indexOf(channel)
        return value
      } catch (error) {
        if (!isOfThisMasterAlone(error) || isCalledOff(plan)) throw error
        failures.push({ origin: channel.origin, error })
        // The next call begins elsewhere, also when this one may not go on.
        preferred = (channels.indexOf(channel) + 1) % channels.length
        if (plan.deadline.isOver() || !mayGoElsewhere(plan, error)) break
      }
    }
    throw conclude(failures)
  }

  return { run, current: () => channels[preferred], asked: () => asked }
}

// A server may close a kept connection just as the request leaves: that is no sign of its absence.
async function attemptTwice<T>(plan: FailoverPlan, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    const isWorthIt = plan.idempotent && isNetworkFailure(error) && !isBeforeSending(error)
    if (!isWorthIt || plan.deadline.signal.aborted) throw error
    return await attempt()
  }
}

/** Aborted by the caller, which says nothing about the master. */
function isCalledOff(plan: FailoverPlan): boolean {
  return plan.deadline.signal.aborted && !plan.deadline.isOver()
}

function isOfThisMasterAlone(error: unknown): boolean {
  if (!(error instanceof RequestError)) return isNetworkFailure(error)
  return error.status === UNAVAILABLE || error.code === 'WRONG_MASTER'
}

function mayGoElsewhere(plan: FailoverPlan, error: unknown): boolean {
  if (plan.idempotent || isBeforeSending(error)) return true
  return error instanceof RequestError && error.code === 'WRONG_MASTER'
}

/** A master's own words are worth more than the silence of another. */
function conclude(failures: readonly Failure[]): Error {
  const spoken = failures.map(({ error }) => error).find((error) => error instanceof RequestError)
  if (spoken !== undefined) return spoken
  const reasons = failures.map(({ origin, error }) => `${origin}: ${reasonOf(error)}`)
  const cause = failures[0]?.error
  return new MasterUnreachable(`Cannot reach the master at ${reasons.join('; ')}`, { cause })
}
