import { MasterUnreachable } from '../shared/control-client.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

/** What the worker speaks with its master about; one may fail while another works. */
export type Wire = 'join' | 'reports' | 'assignments' | 'leave'

const SILENT = 'master does not answer, replicas go on'
const REFUSING = 'master refuses this worker, replicas go on'

/** Whether the master answers; each transition is told once. */
export class Connection {
  readonly #log: Log
  readonly #failing = new Set<Wire>()

  constructor(log: Log) {
    this.#log = log
  }

  get isAway(): boolean {
    return this.#failing.size > 0
  }

  works(wire: Wire): void {
    if (this.#failing.delete(wire) && !this.isAway) this.#log.info('master is back', {})
  }

  fails(wire: Wire, error: unknown): void {
    if (!this.isAway) {
      const reason = sentenceOf(error)
      const silent = error instanceof MasterUnreachable
      this.#log.warn(silent ? SILENT : REFUSING, { wire, reason })
    }
    this.#failing.add(wire)
  }
}
