import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

/** Whether the master answers; each transition is told once. */
export class Connection {
  readonly #log: Log
  #away: string | undefined

  constructor(log: Log) {
    this.#log = log
  }

  get isAway(): boolean {
    return this.#away !== undefined
  }

  works(): void {
    if (this.#away !== undefined) this.#log.info('master is back', {})
    this.#away = undefined
  }

  fails(error: unknown): void {
    const reason = sentenceOf(error)
    if (this.#away === undefined) {
      this.#log.warn('master does not answer, replicas go on', { reason })
    }
    this.#away = reason
  }
}
