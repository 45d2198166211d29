/** What this worker obeyed last, on disk: it goes on without a master, and never back in time. */
import { join } from 'node:path'
import type { Log } from '../shared/log.ts'
import { KeptFile } from './kept-file.ts'
import { type Remembered, rememberedSchema } from './shapes.ts'

export class Obedience {
  readonly #file: KeptFile<Remembered>
  readonly #log: Log
  #last: Remembered | undefined
  #highest: number
  #isRefusing = false

  private constructor(file: KeptFile<Remembered>, last: Remembered | undefined, log: Log) {
    this.#file = file
    this.#last = last
    this.#highest = last?.epoch ?? 0
    this.#log = log
  }

  static async load(directory: string, log: Log): Promise<Obedience> {
    const file = new KeptFile(join(directory, 'assignments.json'), rememberedSchema, log)
    return new Obedience(file, await file.read(), log)
  }

  get last(): Remembered | undefined {
    return this.#last
  }

  /** What to do when a master with an older epoch is nevertheless the right one. */
  get remedy(): string {
    return `if this is a new cluster, stop the worker and delete ${this.#file.path}`
  }

  /** The highest epoch that was obeyed. */
  get highest(): number {
    return this.#highest
  }

  /** What runs here was started for a master of this epoch, also when that was not written down. */
  recall(epoch: number): void {
    this.#highest = Math.max(this.#highest, epoch)
  }

  /** Whether a master of this epoch may be obeyed; each change of mind is told once. */
  accepts(epoch: number): boolean {
    const isOlder = epoch < this.#highest
    if (isOlder && !this.#isRefusing) {
      const { remedy } = this
      this.#log.error('older master refused', { epoch, highest: this.#highest, remedy })
    }
    this.#highest = Math.max(this.#highest, epoch)
    this.#isRefusing = isOlder
    return !isOlder
  }

  async remember(next: Remembered): Promise<void> {
    this.#last = next
    await this.#file.write(next)
  }
}
