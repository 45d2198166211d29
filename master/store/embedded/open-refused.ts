import { isDamage } from './inspect.ts'

/** The log cannot be opened as it is; the state says why. */
export class OpenRefused extends Error {
  /** Nothing but a person can change it. */
  readonly final: boolean

  constructor(directory: string, state: string, final = true) {
    super(`Cannot open "${directory}": ${state}`)
    this.name = 'OpenRefused'
    this.final = final
  }
}

/** Whatever the disk said: damage stays, anything else may have passed at the next try. */
export function openRefusalOf(directory: string, error: unknown): OpenRefused {
  if (error instanceof OpenRefused) return error
  const detail = error instanceof Error ? error.message : String(error)
  if (isDamage(error)) return new OpenRefused(directory, `its database is damaged: ${detail}`)
  return new OpenRefused(directory, detail, false)
}
