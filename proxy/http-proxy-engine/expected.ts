import type { ReplicaId } from '../../shared/model.ts'

/** An answer that is waited for. */
export interface Expecting {
  readonly replica: ReplicaId
  /** Nothing is to be expected any more: who may ask elsewhere does. */
  giveUp(): void
}

/** The answers that are waited for: those of a replica whose machine is lost will not come. */
export class Expected {
  readonly #waiting = new Set<Expecting>()

  add(one: Expecting): void {
    this.#waiting.add(one)
  }

  delete(one: Expecting): void {
    this.#waiting.delete(one)
  }

  lost(replicas: readonly ReplicaId[]): void {
    const ids = new Set(replicas)
    for (const one of [...this.#waiting]) if (ids.has(one.replica)) one.giveUp()
  }
}
