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
