import type { Waiting } from './waiting.ts'

/** Those who wait, oldest first; the links run through the requests themselves. */
export class WaitingList {
  first: Waiting | undefined
  #last: Waiting | undefined

  /** Takes its place by age: nearly always the end. */
  insert(item: Waiting): void {
    let before = this.#last
    while (before !== undefined && before.arrivedAtMs > item.arrivedAtMs) before = before.before
    const behind = before === undefined ? this.first : before.behind
    item.before = before
    item.behind = behind
    if (before === undefined) this.first = item
    else before.behind = item
    if (behind === undefined) this.#last = item
    else behind.before = item
  }

  /** Whether the list's ends would lose their hold if this one were just cut out of the chain. */
  endsWith(item: Waiting): boolean {
    return this.first === item || this.#last === item
  }

  /** Takes out one of this list. */
  remove(item: Waiting): void {
    if (this.first === item) this.first = item.behind
    if (this.#last === item) this.#last = item.before
    unlink(item)
  }
}

/** Cuts one out that is neither first nor last, whatever list it is in. */
export function unlink(item: Waiting): void {
  if (item.before !== undefined) item.before.behind = item.behind
  if (item.behind !== undefined) item.behind.before = item.before
  item.before = undefined
  item.behind = undefined
}
