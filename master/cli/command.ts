import type { Clock } from '../../shared/clock.ts'
import type { Api } from './api.ts'
import type { Arguments } from './arguments.ts'
import type { Screen } from './screen.ts'

export interface Option {
  /** `texts` may be given several times; a `flag` stands alone and has a `--no-` form. */
  readonly kind: 'text' | 'texts' | 'flag'
  readonly meaning: string
  /** What stands for the value in the help. */
  readonly value?: string
  readonly alias?: string
}

export type Options = Readonly<Record<string, Option>>

export interface Command {
  readonly word: string
  /** What follows the word: `NAME [COUNT]`. */
  readonly operands: string
  readonly operandsMin: number
  readonly operandsMax: number
  /** Whether something may follow `--`. */
  readonly takesRest?: boolean
  readonly summary: string
  readonly options: Options
  /** Answers the exit code; throws what is one sentence to the user. */
  run(args: Arguments, session: Session): Promise<number>
}

/** What a command may use of the world. */
export interface Session {
  readonly screen: Screen
  readonly clock: Clock
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal
  /** Aborts at a second Ctrl-C. */
  readonly urgent: AbortSignal
  /** To the master that the flags or the environment name. */
  connect(args: Arguments): Promise<Api>
  connectTo(master: string): Promise<Api>
}
