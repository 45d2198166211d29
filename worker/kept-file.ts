import { rename } from 'node:fs/promises'
import type { ZodType } from 'zod'
import { readIfThere, writeDurably } from '../shared/durable-file.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'

const REASON_LENGTH_MAX = 500

/** A value that outlives the worker, but can be learned again when the disk fails it. */
export class KeptFile<T> {
  readonly path: string
  readonly #schema: ZodType<T>
  readonly #log: Log
  #isFailing = false
  #written = Promise.resolve()

  constructor(path: string, schema: ZodType<T>, log: Log) {
    this.path = path
    this.#schema = schema
    this.#log = log
  }

  /** A damaged file is put aside and told of. */
  async read(): Promise<T | undefined> {
    const content = await readIfThere(this.path)
    if (content === undefined) return undefined
    try {
      return this.#schema.parse(JSON.parse(content))
    } catch (error) {
      const aside = `${this.path}.damaged`
      await rename(this.path, aside)
      const reason = sentenceOf(error).slice(0, REASON_LENGTH_MAX)
      this.#log.error('damaged file put aside', { path: this.path, aside, reason })
      return undefined
    }
  }

  /**
   * One after the other, so that the last value stays. A full disk must not stop what runs: the
   * worker goes on, and says once what it cannot keep.
   */
  write(value: T): Promise<void> {
    this.#written = this.#written.then(() => this.#save(value))
    return this.#written
  }

  async #save(value: T): Promise<void> {
    const { path } = this
    try {
      await writeDurably(path, JSON.stringify(value))
      if (this.#isFailing) this.#log.info('file is saved again', { path })
      this.#isFailing = false
    } catch (error) {
      const reason = sentenceOf(error)
      if (!this.#isFailing) this.#log.error('file cannot be saved', { path, reason })
      this.#isFailing = true
    }
  }
}
