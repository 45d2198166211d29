/** How far the starts of replicas are, while somebody waits for them. */
import type { ProgressView, ReplicaView } from '../../shared/api.ts'
import { systemClock } from '../../shared/clock.ts'
import { MasterUnreachable } from '../../shared/control-client.ts'
import { RequestError } from '../../shared/errors.ts'
import { z } from './answers.ts'
import type { Api } from './api.ts'
import { shortId } from './ids.ts'
import { pathOf } from './listing.ts'
import { printable } from './table.ts'

const FOLLOWED_MAX = 8
const AGAIN_MS = 1_000
const COLUMNS_DEFAULT = 80
const BYTES_PER_MB = 1_000_000

interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

const progressSchema = z.object({
  replica: z.string(),
  text: z.string(),
  doneBytes: z.number().exactOptional(),
  totalBytes: z.number().exactOptional(),
})

/** One line that is drawn anew on a terminal; elsewhere a line for each step. */
export class StartProgress {
  readonly #api: Pick<Api, 'lines'>
  readonly #output: Output
  readonly #ending = new AbortController()
  readonly #following = new Set<string>()
  readonly #latest = new Map<string, ProgressView>()
  readonly #told = new Map<string, string>()
  #isDrawn = false

  constructor(api: Pick<Api, 'lines'>, output: Output = process.stderr) {
    this.#api = api
    this.#output = output
  }

  /** Follows those that start. */
  look(replicas: readonly ReplicaView[]): void {
    for (const { id, state } of replicas) {
      const isNew = state === 'starting' && !this.#following.has(id)
      if (isNew && this.#following.size < FOLLOWED_MAX) void this.#follow(id)
    }
  }

  /** Makes room for another line. */
  clear(): void {
    if (this.#isDrawn) this.#output.write('\r\u001b[K')
    this.#isDrawn = false
  }

  close(): void {
    this.#ending.abort()
    this.clear()
  }

  async #follow(id: string): Promise<void> {
    this.#following.add(id)
    const { signal } = this.#ending
    try {
      for await (const text of this.#api.lines(pathOf('replicas', id, 'progress'), signal)) {
        const parsed = progressSchema.safeParse(JSON.parse(text))
        if (parsed.success && !signal.aborted) this.#tell(id, parsed.data)
      }
    } catch (error) {
      // It is there for comfort only: whoever waits learns what matters by other ways.
      if (!signal.aborted && !isExpected(error)) throw error
    }
    this.#latest.delete(id)
    if (this.#latest.size === 0) this.clear()
    // It may be about to start, or have nothing to tell: it is not asked in a tight loop.
    await systemClock.sleep(AGAIN_MS, signal)
    this.#following.delete(id)
  }

  #tell(id: string, progress: ProgressView): void {
    this.#latest.set(id, progress)
    if (this.#output.isTTY === true) this.#draw()
    else if (this.#told.get(id) !== progress.text) {
      this.#told.set(id, progress.text)
      this.#output.write(`${shortId(id)}  ${printable(progress.text)}\n`)
    }
  }

  #draw(): void {
    const parts = [...this.#latest].map(([id, progress]) => `${shortId(id)} ${shown(progress)}`)
    const columns = (this.#output.columns || COLUMNS_DEFAULT) - 1
    const line = [...parts.join(' · ')].slice(0, columns).join('')
    this.#output.write(`\r\u001b[K${line}`)
    this.#isDrawn = true
  }
}

function shown({ text, doneBytes, totalBytes }: ProgressView): string {
  const megabytes = (bytes: number): string => (bytes / BYTES_PER_MB).toFixed(1)
  const said = printable(text)
  if (doneBytes === undefined) return said
  if (totalBytes === undefined || totalBytes === 0) return `${said} ${megabytes(doneBytes)} MB`
  const percent = Math.min(100, Math.floor((doneBytes / totalBytes) * 100))
  return `${said} ${percent}% of ${megabytes(totalBytes)} MB`
}

function isExpected(error: unknown): boolean {
  const isOurs = error instanceof RequestError || error instanceof MasterUnreachable
  return isOurs || error instanceof SyntaxError
}
