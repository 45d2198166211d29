import type { Waiting } from '../../../../proxy/decide/waiting.ts'

/** A request that is nothing but its place in the queue. */
export class Ticket implements Waiting {
  readonly name: string
  readonly arrivedAtMs: number
  readonly affinity: string | undefined
  readonly tried = new Set<string>()
  before: Waiting | undefined = undefined
  behind: Waiting | undefined = undefined

  constructor(name: string, arrivedAtMs = 0, affinity?: string) {
    this.name = name
    this.arrivedAtMs = arrivedAtMs
    this.affinity = affinity
  }

  hasTried(replica: string): boolean {
    return this.tried.has(replica)
  }

  dispatched(): void {}

  expired(): void {}
}
