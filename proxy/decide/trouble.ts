/** Why a replica was ejected. */
export type EjectionCause = 'unreachable' | 'errors' | 'slow' | 'stalls'

/** The share of the last request in the share of failures. */
const SHARE = 0.1

/** What went wrong with one replica of late. */
export class Trouble {
  failuresInRow = 0
  failureShare = 0
  /** Undefined while it is not ejected. */
  cause: EjectionCause | undefined = undefined
  untilMs = 0
  /** How often it was ejected in a row. */
  ejections = 0
  /** When the one request was sent that may bring it back; undefined while there is none. */
  trialAtMs: number | undefined = undefined
  readmittedAtMs = Number.NEGATIVE_INFINITY
  stallEndedAtMs = Number.NEGATIVE_INFINITY

  get isEjected(): boolean {
    return this.cause !== undefined
  }

  /** Whether one request may go to it to see whether it is well again. */
  mayBeTried(nowMs: number): boolean {
    return this.cause !== undefined && nowMs >= this.untilMs && this.trialAtMs === undefined
  }

  count(failed: boolean): void {
    this.failuresInRow = failed ? this.failuresInRow + 1 : 0
    this.failureShare += SHARE * ((failed ? 1 : 0) - this.failureShare)
  }

  readmit(nowMs: number): void {
    this.cause = undefined
    this.trialAtMs = undefined
    this.failuresInRow = 0
    this.failureShare = 0
    this.readmittedAtMs = nowMs
  }
}
