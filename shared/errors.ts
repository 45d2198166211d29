/** What a caller can mend: a status for HTTP, a code for programs, one sentence for people. */
export class RequestError extends Error {
  readonly status: number
  readonly code: string
  readonly details: readonly string[]

  constructor(status: number, code: string, message: string, details: readonly string[] = []) {
    super(message)
    this.name = 'RequestError'
    this.status = status
    this.code = code
    this.details = details
  }
}

export function notFound(noun: string, id: string): RequestError {
  return new RequestError(404, 'NOT_FOUND', `Cannot find ${noun} "${id}"`)
}

export function invalid(message: string, details: readonly string[] = []): RequestError {
  return new RequestError(422, 'VALIDATION_ERROR', message, details)
}

export function conflict(message: string): RequestError {
  return new RequestError(409, 'CONFLICT', message)
}

/** The sentence of anything that was thrown, with its causes. */
export function sentenceOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause === undefined ? '' : `: ${sentenceOf(error.cause)}`
  return `${error.message || error.name}${cause}`
}
