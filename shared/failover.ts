/** Asks one master after another until one answers, beginning with the last that did. */
import { RequestError, sentenceOf } from './errors.ts'
import { MasterUnreachable } from './master-unreachable.ts'
import { isBeforeSending, reasonOf } from './network-failure.ts'

export interface FailoverPlan {
  /** Whether the attempt may be made again after its request may have arrived. */
  readonly idempotent: boolean
  readonly signal: AbortSignal
}

export interface Failover<C> {
  /** Rejects with what the attempt threw once the signal is aborted. */
  run<T>(plan: FailoverPlan, attempt: (channel: C) => Promise<T>): Promise<T>
  current(): C | undefined
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

  async function run<T>(plan: FailoverPlan, attempt: (channel: C) => Promise<T>): Promise<T> {
    const failures: Failure[] = []
    const first = preferred
    for (let step = 0; step < channels.length; step += 1) {
      const at = (first + step) % channels.length
      const channel = channels[at]
      if (channel === undefined) break
      try {
        const value = await attemptTwice(plan, () => attempt(channel))
        preferred = at
        return value
      } catch (error) {
        // The next call begins elsewhere, also when this one may not go on.
        if (isMastersFault(error)) preferred = (at + 1) % channels.length
        if (plan.signal.aborted || !mayGoElsewhere(plan, error)) throw error
        failures.push({ origin: channel.origin, error })
      }
    }
    throw conclude(failures)
  }

  return { run, current: () => channels[preferred] }
}

// A server may close a kept connection just as the request leaves: that is no sign of its absence.
async function attemptTwice<T>(plan: FailoverPlan, attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt()
  } catch (error) {
    const isCut = isMastersFault(error) && !(error instanceof RequestError)
    if (plan.signal.aborted || !plan.idempotent || !isCut || isBeforeSending(error)) throw error
    return await attempt()
  }
}

function isMastersFault(error: unknown): boolean {
  if (error instanceof RequestError) return isElsewhereBetter(error)
  return error instanceof Error
}

function isElsewhereBetter(error: RequestError): boolean {
  return error.status === UNAVAILABLE || error.code === 'WRONG_MASTER'
}

function mayGoElsewhere(plan: FailoverPlan, error: unknown): boolean {
  if (!(error instanceof RequestError)) return plan.idempotent || isBeforeSending(error)
  return error.code === 'WRONG_MASTER' || (plan.idempotent && isElsewhereBetter(error))
}

/** A master's own words are worth more than the silence of another. */
function conclude(failures: readonly Failure[]): Error {
  const spoken = failures.map(({ error }) => error).find((error) => error instanceof RequestError)
  return spoken ?? unreachable(failures)
}

export function unreachable(failures: readonly Failure[]): MasterUnreachable {
  const reasons = failures.map(({ origin, error }) => `${origin}: ${reasonOf(error)}`)
  const cause = failures[0]?.error
  return new MasterUnreachable(`Cannot reach the master at ${reasons.join('; ')}`, { cause })
}

export function sentenceOfAll(failures: readonly Failure[]): string {
  return failures.map(({ error }) => sentenceOf(error)).join('; ')
}
