/** Why the Docker Engine did not do what it was asked, told apart by what follows from it. */
export type EngineFailure =
  /** There is nobody at its address, or the connection broke: it may have done it all the same. */
  | 'unreachable'
  /** No answer within the deadline: it may have done it, or do it later. */
  | 'silent'
  /** It answered with an error. */
  | 'refused'
  /** The caller gave up. */
  | 'aborted'

const REASON_CHARS_MAX = 1_000

export class EngineError extends Error {
  readonly failure: EngineFailure
  /** The HTTP status of a refusal. */
  readonly status: number | undefined
  /** Without what was asked: `No such container: web`. */
  readonly reason: string
  /** Of an engine that is away: what was seen of it, without its name. */
  readonly detail: string

  constructor(what: string, why: Why, options?: ErrorOptions) {
    const reason = why.reason.trim().slice(0, REASON_CHARS_MAX)
    super(`Cannot ${what}: ${reason}`, options)
    this.name = 'EngineError'
    this.failure = why.failure
    this.status = why.status
    this.reason = reason
    this.detail = why.detail ?? reason
  }
}

export interface Why {
  readonly failure: EngineFailure
  readonly reason: string
  readonly status?: number | undefined
  readonly detail?: string
}

/** It answered with this status: 404 for what is not there, 409 for what is in the way. */
export function isRefused(error: unknown, ...statuses: readonly number[]): boolean {
  if (!(error instanceof EngineError) || error.failure !== 'refused') return false
  return statuses.length === 0 || statuses.includes(error.status ?? 0)
}

/** Whether it may have been done, now or later, although nobody said so. */
export function isLost(error: unknown): boolean {
  return error instanceof EngineError && error.failure !== 'refused'
}

/** What an engine that answers did or refused; for everything else there is trouble. */
export function isAway(error: unknown): error is EngineError {
  if (!(error instanceof EngineError)) return false
  return error.failure === 'unreachable' || error.failure === 'silent'
}
