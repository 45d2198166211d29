import { RequestError, sentenceOf } from '../../shared/errors.ts'

/** What the user can mend: one sentence, and what to do next. */
export class CliError extends Error {
  readonly exitCode: number
  readonly next: string | undefined

  constructor(
    message: string,
    options: { exitCode?: number; next?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'CliError'
    this.exitCode = options.exitCode ?? 1
    this.next = options.next
  }
}

export const EXIT_USAGE = 2
export const EXIT_INTERRUPTED = 130

export function usage(message: string, next = 'See "orchestrify --help".'): CliError {
  return new CliError(message, { exitCode: EXIT_USAGE, next })
}

export interface Failure {
  readonly lines: readonly string[]
  readonly exitCode: number
}

const NEXT_UNAUTHENTICATED = 'Give --token, or run it on the master itself.'

/** What is printed when a command failed, whatever was thrown: never a stack. */
export function failureOf(error: unknown): Failure {
  if (error instanceof CliError) return failure(sentenceOf(error), error.exitCode, error.next)
  if (error instanceof RequestError) return refusal(error)
  if (error instanceof Error && error.name === 'MasterUnreachable') {
    return failure(error.message, 1, 'Start one with "orchestrify up", or name it with --master.')
  }
  return failure(sentenceOf(error), 1)
}

function refusal(error: RequestError): Failure {
  const told = error.details.filter((detail) => !error.message.includes(detail))
  const details = told.map((detail) => `  ${detail}`)
  const { lines, exitCode } = failure(error.message, error.code === 'USAGE' ? EXIT_USAGE : 1)
  const next = error.status === 401 ? [NEXT_UNAUTHENTICATED] : []
  return { lines: [...lines, ...details, ...next], exitCode }
}

function failure(message: string, exitCode: number, next?: string): Failure {
  const sentence = message.split('\n')[0] ?? message
  return { lines: next === undefined ? [sentence] : [sentence, next], exitCode }
}
