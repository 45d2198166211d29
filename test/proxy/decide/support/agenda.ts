interface Entry {
  readonly atMs: number
  readonly order: number
  readonly run: (nowMs: number) => void
}

/** What happens when, in virtual time: a binary heap, first in first out at the same moment. */
export class Agenda {
  nowMs = 0
  readonly #heap: Entry[] = []
  #order = 0

  at(atMs: number, run: (nowMs: number) => void): void {
    this.#order += 1
    this.#heap.push({ atMs, order: this.#order, run })
    this.#rise(this.#heap.length - 1)
  }

  /** Runs everything until then, and what comes of it. */
  runUntil(endMs: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= endMs; next = this.#heap[0]) {
      this.#takeFirst()
      this.nowMs = next.atMs
      next.run(next.atMs)
    }
    this.nowMs = endMs
  }

  #takeFirst(): void {
    const last = this.#heap.pop()
    if (last === undefined || this.#heap.length === 0) return
    this.#heap[0] = last
    let at = 0
    for (;;) {
      let least = at
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.#heap.length && this.#isBefore(child, least)) least = child
      }
      if (least === at) return
      this.#swap(at, least)
      at = least
    }
  }

  #rise(from: number): void {
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!this.#isBefore(at, parent)) return
      this.#swap(at, parent)
      at = parent
    }
  }

  #isBefore(a: number, b: number): boolean {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined) return false
    return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order)
  }

  #swap(a: number, b: number): void {
    const [first, second] = [this.#heap[a], this.#heap[b]]
    if (first === undefined || second === undefined) return
    this.#heap[a] = second
    this.#heap[b] = first
  }
}
