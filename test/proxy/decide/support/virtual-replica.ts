import type { Agenda } from './agenda.ts'

export interface ReplicaModel {
  readonly id: string
  /** How many it works on at once; the rest waits inside it, first in first out. */
  readonly slots: number
  /** How many times longer than others it takes, as things stand then. */
  readonly slowness?: (nowMs: number, served: number) => number
  /** It stands still for `forMs` at the end of every `everyMs`. */
  readonly stalls?: { readonly everyMs: number; readonly forMs: number }
  /** What it answers with, at once, instead of working; undefined: it works. */
  readonly fails?: (nowMs: number) => 'refuses' | 'errors' | undefined
  readonly weight?: number
  readonly suspect?: boolean
}

interface Work {
  readonly workMs: number
  readonly done: (nowMs: number) => void
}

/** A replica in virtual time: slots, a line before them, stalls. */
export class VirtualReplica {
  readonly model: ReplicaModel
  readonly #agenda: Agenda
  readonly #line: Work[] = []
  #busy = 0
  #served = 0

  constructor(model: ReplicaModel, agenda: Agenda) {
    this.model = model
    this.#agenda = agenda
  }

  serve(workMs: number, done: (nowMs: number) => void): void {
    this.#line.push({ workMs, done })
    this.#startNext()
  }

  #startNext(): void {
    if (this.#busy >= this.model.slots) return
    const work = this.#line.shift()
    if (work === undefined) return
    this.#busy += 1
    const { nowMs } = this.#agenda
    const workMs = work.workMs * (this.model.slowness?.(nowMs, this.#served) ?? 1)
    this.#served += 1
    this.#agenda.at(this.#endOf(nowMs, workMs), (endMs) => {
      this.#busy -= 1
      work.done(endMs)
      this.#startNext()
    })
  }

  /** When work that starts now is done, the time it stands still included. */
  #endOf(nowMs: number, workMs: number): number {
    const { stalls } = this.model
    if (stalls === undefined) return nowMs + workMs
    const { everyMs, forMs } = stalls
    let atMs = nowMs
    let leftMs = workMs
    for (;;) {
      const inTurnMs = atMs % everyMs
      const untilStallMs = Math.max(0, everyMs - forMs - inTurnMs)
      if (leftMs <= untilStallMs) return atMs + leftMs
      leftMs -= untilStallMs
      atMs += everyMs - inTurnMs
    }
  }
}
