import type { ReplicaState } from './replica-state.ts'
import type { Waiting } from './waiting.ts'
import { unlink, WaitingList } from './waiting-list.ts'

/** Every such dispatch goes to one that is late anyway: nobody waits for ever. */
const LATE_TURN = 10

interface Lines {
  /** Replicas, each with the line of those who wait for it alone. */
  readonly routed: readonly ReplicaState[]
}

/** Those who wait, and whose turn it is. */
export class WaitingRoom {
  count = 0
  readonly retries = new WaitingList()
  readonly #inTime = new WaitingList()
  readonly #late = new WaitingList()
  readonly #lines: Lines
  #dispatches = 0

  constructor(lines: Lines) {
    this.#lines = lines
  }

  /** Whether nobody waits for whichever replica is free first, but for retries. */
  get isEmpty(): boolean {
    return this.#inTime.first === undefined && this.#late.first === undefined
  }

  /** Whose turn it is, but for retries: who can still meet the objective, then the others. */
  get next(): Waiting | undefined {
    const isTurnOfLate = this.#dispatches % LATE_TURN === LATE_TURN - 1
    return (isTurnOfLate ? this.#late.first : this.#inTime.first) ?? this.#oldestOfBoth
  }

  get oldest(): Waiting | undefined {
    let oldest = older(this.retries.first, this.#oldestOfBoth)
    for (const { line } of this.#lines.routed) oldest = older(oldest, line.first)
    return oldest
  }

  wait(item: Waiting, list: WaitingList = this.#inTime): void {
    list.insert(item)
    this.count += 1
  }

  /** Parts those that are too old by now to meet the objective. */
  part(nowMs: number, hopeMaxMs: number): void {
    for (;;) {
      const { first } = this.#inTime
      if (first === undefined || nowMs - first.arrivedAtMs < hopeMaxMs) return
      this.#inTime.remove(first)
      this.#late.insert(first)
    }
  }

  /** Takes out one; answers whether it was there. */
  remove(item: Waiting): boolean {
    const list = this.#listEndingWith(item)
    if (list !== undefined) list.remove(item)
    else if (item.before !== undefined) unlink(item)
    else return false
    this.count -= 1
    return true
  }

  /** The one that `next` named goes. */
  dispatch(item: Waiting): void {
    if (this.#inTime.first !== undefined && this.#late.first !== undefined) this.#dispatches += 1
    this.remove(item)
  }

  /** Those who waited for one replica wait for any from now on. */
  dissolve(line: WaitingList): void {
    for (let item = line.first; item !== undefined; item = line.first) {
      line.remove(item)
      this.#inTime.insert(item)
    }
  }

  get #oldestOfBoth(): Waiting | undefined {
    return older(this.#inTime.first, this.#late.first)
  }

  #listEndingWith(item: Waiting): WaitingList | undefined {
    if (this.retries.endsWith(item)) return this.retries
    if (this.#inTime.endsWith(item)) return this.#inTime
    if (this.#late.endsWith(item)) return this.#late
    for (const { line } of this.#lines.routed) if (line.endsWith(item)) return line
    return undefined
  }
}

function older(a: Waiting | undefined, b: Waiting | undefined): Waiting | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return b.arrivedAtMs < a.arrivedAtMs ? b : a
}
