/** Removes what starts that failed have left, in the background, however long the engine is away. */
import type { Clock } from '../../../shared/clock.ts'
import { sentenceOf } from '../../../shared/errors.ts'
import type { Log } from '../../../shared/log.ts'
import type { NodeId, ReplicaId } from '../../../shared/model.ts'
import { Backoff } from '../../backoff.ts'
import type { Containers } from './containers.ts'
import { wasStarted } from './inspected.ts'
import { NODE_LABEL, REPLICA_LABEL } from './labels.ts'
import type { Networks } from './networks.ts'
import type { Made } from './replica-start.ts'

export interface UndoingParts {
  readonly containers: Containers
  readonly networks: Networks
  readonly clock: Clock
  readonly log: Log
}

export interface Leftover {
  readonly replica: ReplicaId
  readonly node: NodeId
  readonly made: Made
}

interface Task {
  readonly ending: AbortController
  readonly done: Promise<void>
}

const AGAIN_MIN_MS = 100
const AGAIN_MAX_MS = 5_000
/** A create whose answer was lost may take effect after the first look. */
const LOST_LOOKS = 2
const LOST_WAIT_MS = 2_000

export class Undoing {
  readonly #parts: UndoingParts
  readonly #tasks = new Map<ReplicaId, Task>()

  constructor(parts: UndoingParts) {
    this.#parts = parts
  }

  begin(leftover: Leftover): void {
    const ending = new AbortController()
    const { replica } = leftover
    const done = this.#undo(leftover, ending.signal).finally(() => {
      if (this.#tasks.get(replica)?.ending === ending) this.#tasks.delete(replica)
    })
    this.#tasks.set(replica, { ending, done })
  }

  /** Whoever starts or stops the replica now looks after its leftovers himself. */
  async settle(replica: ReplicaId): Promise<void> {
    const task = this.#tasks.get(replica)
    task?.ending.abort()
    await task?.done
  }

  async close(): Promise<void> {
    await Promise.all([...this.#tasks.keys()].map((replica) => this.settle(replica)))
  }

  async #undo(leftover: Leftover, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts
    const backoff = new Backoff(clock, AGAIN_MIN_MS, AGAIN_MAX_MS)
    const isKnown = leftover.made.id !== undefined
    let looks = isKnown ? 1 : LOST_LOOKS
    let isTold = false
    while (!signal.aborted) {
      try {
        await this.#remove(leftover, signal)
        looks -= 1
        if (looks === 0) return
        await clock.sleep(LOST_WAIT_MS, signal)
      } catch (error) {
        if (signal.aborted) return
        const { replica } = leftover
        if (!isTold) log.warn('leftover stays for now', { replica, reason: sentenceOf(error) })
        isTold = true
        await backoff.pause(signal)
      }
    }
  }

  async #remove({ replica, node, made }: Leftover, signal: AbortSignal): Promise<void> {
    const { containers, networks } = this.#parts
    if (made.id !== undefined) await containers.remove(made.id, signal)
    else if (made.name !== undefined) {
      const there = await containers.inspect(made.name, signal)
      const isOurs = there?.labels[NODE_LABEL] === node && there.labels[REPLICA_LABEL] === replica
      if (there !== undefined && isOurs && !wasStarted(there)) {
        await containers.remove(there.id, signal)
      }
    }
    await networks.sweep(node)
  }
}
