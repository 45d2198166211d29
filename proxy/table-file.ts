import { join } from 'node:path'
import { makePrivateDirectory, readIfThere, writeDurably } from '../shared/durable-file.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { SavedTable } from './decide/route-table.ts'
import { parseOr, savedTableSchema } from './schemas.ts'

const FILE = 'routes.json'

/** The last routing table on disk: a restarted proxy serves before any master answers. */
export class TableFile {
  readonly #directory: string
  readonly #log: Log
  #next: SavedTable | undefined
  #writing: Promise<void> | undefined
  #failing = false

  constructor(directory: string, log: Log) {
    this.#directory = directory
    this.#log = log
  }

  /** Undefined when there is none; a damaged one is said and left aside, the master has it too. */
  async load(): Promise<SavedTable | undefined> {
    try {
      const text = await readIfThere(this.#path)
      return text === undefined ? undefined : parseOr(savedTableSchema, JSON.parse(text))
    } catch (error) {
      const fields = { file: this.#path, reason: sentenceOf(error) }
      this.#log.warn('kept routing table is unreadable', fields)
      return undefined
    }
  }

  /** Writes the newest table it was given, one at a time; those in between are skipped. */
  save(table: SavedTable): Promise<void> {
    this.#next = table
    this.#writing ??= this.#drain()
    return this.#writing
  }

  /** Resolves once nothing is being written. */
  async settled(): Promise<void> {
    await this.#writing
  }

  get #path(): string {
    return join(this.#directory, FILE)
  }

  async #drain(): Promise<void> {
    while (this.#next !== undefined) {
      const table = this.#next
      this.#next = undefined
      await this.#write(table)
    }
    this.#writing = undefined
  }

  async #write(table: SavedTable): Promise<void> {
    try {
      await makePrivateDirectory(this.#directory)
      await writeDurably(this.#path, `${JSON.stringify(table)}\n`)
      this.#failing = false
    } catch (error) {
      if (!this.#failing) {
        this.#log.error('routing table is not kept', { reason: sentenceOf(error) })
      }
      this.#failing = true
    }
  }
}
