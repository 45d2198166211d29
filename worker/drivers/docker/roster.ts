/** What this driver remembers of the containers that run: fed by starts, lists and events. */
import type { ReplicaId } from '../../../shared/model.ts'
import type { Opinion } from '../driver.ts'
import { opinionOf } from './health-opinion.ts'
import { type Inspected, isRunning } from './inspected.ts'

export interface Resident {
  readonly id: string
  readonly opinion: Opinion
}

/** Enough for ends that are heard of while their starts or stops are still under way. */
const ENDED_MAX = 1_000

const NONE: Opinion = { kind: 'none' }

export class Roster {
  readonly #residents = new Map<ReplicaId, Resident>()
  readonly #ended = new Set<string>()

  get(replica: ReplicaId): Resident | undefined {
    return this.#residents.get(replica)
  }

  opinion(replica: ReplicaId): Opinion {
    return this.#residents.get(replica)?.opinion ?? NONE
  }

  /** Answers whether what the engine thinks of it has changed. */
  seen(replica: ReplicaId, inspected: Inspected): boolean {
    if (!isRunning(inspected) || this.#ended.has(inspected.id)) return false
    const before = this.opinion(replica)
    const opinion = opinionOf(inspected.state)
    this.#residents.set(replica, { id: inspected.id, opinion })
    return before.kind !== opinion.kind || reasonOf(before) !== reasonOf(opinion)
  }

  /** Answers false when that was known already. */
  ended(replica: ReplicaId, id: string): boolean {
    if (this.#residents.get(replica)?.id === id) this.#residents.delete(replica)
    if (this.#ended.has(id)) return false
    this.#ended.add(id)
    const [oldest] = this.#ended
    if (this.#ended.size > ENDED_MAX && oldest !== undefined) this.#ended.delete(oldest)
    return true
  }

  hasEnded(id: string): boolean {
    return this.#ended.has(id)
  }

  /** Somebody has started it again. */
  revived(id: string): void {
    this.#ended.delete(id)
  }

  forget(replica: ReplicaId): void {
    this.#residents.delete(replica)
  }

  /** Drops everybody who was not found. */
  retain(found: ReadonlySet<ReplicaId>): readonly ReplicaId[] {
    const gone = [...this.#residents.keys()].filter((replica) => !found.has(replica))
    for (const replica of gone) this.#residents.delete(replica)
    return gone
  }
}

function reasonOf(opinion: Opinion): string {
  return 'reason' in opinion ? opinion.reason : ''
}
