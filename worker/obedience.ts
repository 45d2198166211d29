/** What this worker obeyed last, on disk: it goes on without a master, and never back in time. */
import { join } from 'node:path'
import { writeDurably } from '../shared/durable-file.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { readKept } from './kept-file.ts'
import { type Remembered, rememberedSchema } from './shapes.ts'

export class Obedience {
  readonly path: string
  readonly #log: Log
  #last: Remembered | undefined
  #told: 'saved' | 'unsaved' | 'older' = 'saved'

  private constructor(path: string, log: Log) {
    this.path = path
    this.#log = log
  }

  static async load(directory: string, log: Log): Promise<Obedience> {
    const obedience = new Obedience(join(directory, 'assignments.json'), log)
    obedience.#last = await readKept(obedience.path, rememberedSchema, log)
    return obedience
  }

  get last(): Remembered | undefined {
    return this.#last
  }

  /** Whether a master of this epoch may be obeyed; each change of mind is told once. */
  accepts(epoch: number): boolean {
    const highest = this.#last?.epoch ?? 0
    const accepted = epoch >= highest
    if (!accepted && this.#told !== 'older') {
      this.#log.error('older master refused', { epoch, obeyed: highest, remedy: this.remedy })
    }
    if (!accepted) this.#told = 'older'
    else if (this.#told === 'older') this.#told = 'saved'
    return accepted
  }

  get remedy(): string {
    return `if this is a new cluster, delete ${this.path}`
  }

  /** Without a writable disk the worker goes on, and says once that it will not remember. */
  async remember(next: Remembered): Promise<void> {
    this.#last = next
    try {
      await writeDurably(this.path, JSON.stringify(next))
      if (this.#told === 'unsaved') this.#log.info('assignments are saved again', {})
      this.#told = 'saved'
    } catch (error) {
      if (this.#told !== 'unsaved') {
        const reason = sentenceOf(error)
        this.#log.error('assignments cannot be saved', { path: this.path, reason })
      }
      this.#told = 'unsaved'
    }
  }
}
