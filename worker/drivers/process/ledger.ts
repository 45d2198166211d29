/** One folder per replica: its note, its output, its working directory. */
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfThere, writeDurably } from '../../../shared/durable-file.ts'
import { RequestError, sentenceOf } from '../../../shared/errors.ts'
import type { ReplicaId } from '../../../shared/model.ts'
import { type LedgerEntry, ledgerSchema } from '../../shapes.ts'

/** Output of replicas that have ended is kept for this many of them. */
const ENDED_KEPT = 20
const NOTE = 'ledger.json'

export type Note =
  | { readonly kind: 'none' }
  | { readonly kind: 'kept'; readonly entry: LedgerEntry }
  | { readonly kind: 'damaged'; readonly reason: string }

export class Ledger {
  readonly #root: string
  readonly #open = new Set<ReplicaId>()

  constructor(root: string) {
    this.#root = root
  }

  /** Throws for an id that is no plain file name: it came over the network. */
  folderOf(replica: ReplicaId): string {
    if (/^[\w-][\w.-]*$/.test(replica)) return join(this.#root, replica)
    const shown = JSON.stringify(replica)
    throw new RequestError(422, 'REPLICA_ID', `Cannot run replica ${shown}: it is no file name`)
  }

  async write(entry: LedgerEntry): Promise<void> {
    const folder = this.folderOf(entry.assigned.replica)
    this.#open.add(entry.assigned.replica)
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(join(folder, NOTE), JSON.stringify(entry))
  }

  async read(replica: ReplicaId): Promise<Note> {
    const text = await readIfThere(join(this.folderOf(replica), NOTE))
    if (text === undefined) return { kind: 'none' }
    try {
      return { kind: 'kept', entry: ledgerSchema.parse(JSON.parse(text)) }
    } catch (error) {
      return { kind: 'damaged', reason: sentenceOf(error) }
    }
  }

  /** The note goes, the output stays for a while. */
  async close(replica: ReplicaId): Promise<void> {
    await rm(join(this.folderOf(replica), NOTE), { force: true })
    this.#open.delete(replica)
    await this.#prune()
  }

  async replicas(): Promise<readonly ReplicaId[]> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 })
    const found = await readdir(this.#root, { withFileTypes: true })
    return found.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  }

  async #prune(): Promise<void> {
    const ended: { readonly folder: string; readonly atMs: number }[] = []
    for (const replica of await this.replicas()) {
      if (this.#open.has(replica)) continue
      const folder = this.folderOf(replica)
      const { kind } = await this.read(replica)
      if (kind === 'none') ended.push({ folder, atMs: (await stat(folder)).mtimeMs })
    }
    ended.sort((a, b) => b.atMs - a.atMs)
    for (const { folder } of ended.slice(ENDED_KEPT)) {
      await rm(folder, { recursive: true, force: true })
    }
  }
}
