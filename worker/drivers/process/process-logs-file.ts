/** One output file of a replica, read across the moment at which it is moved aside. */
import { type FileHandle, open, stat } from 'node:fs/promises'
import { isErrno } from './errno.ts'

export type Read =
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  /** Everything that is there has been read. */
  | { readonly kind: 'end' }
  /** The file is being moved aside just now. */
  | { readonly kind: 'wait' }

const BLOCK_BYTES = 65_536
const LINE_FEED = 10

type Part = 'older' | 'current'

export class OutputFile {
  readonly #paths: Readonly<Record<Part, string>>
  #part: Part = 'older'
  #offset = 0
  /** What the older part looks like as long as it is the same. */
  #older: string
  #suspected: string | undefined

  private constructor(path: string, older: string) {
    this.#paths = { older: `${path}.1`, current: path }
    this.#older = older
  }

  /** From its beginning, or from so many lines before its end. */
  static async open(path: string, tail?: number): Promise<OutputFile> {
    const file = new OutputFile(path, await looksOf(`${path}.1`))
    if (tail !== undefined) await file.#seek(tail)
    return file
  }

  async next(): Promise<Read> {
    const moved = await this.#followMove()
    if (moved === 'underway') return { kind: 'wait' }
    const bytes = await readAt(this.#paths[this.#part], this.#offset)
    this.#offset += bytes.length
    if (bytes.length > 0) return { kind: 'bytes', bytes }
    if (this.#part === 'current') return { kind: 'end' }
    this.#part = 'current'
    this.#offset = 0
    return this.next()
  }

  /**
   * The file is copied, then emptied: what was not read yet is in the copy, at the same place. The
   * copy is trusted once it has not changed from one look to the next.
   */
  async #followMove(): Promise<'underway' | 'done'> {
    const looks = await looksOf(this.#paths.older)
    if (looks !== this.#older) {
      const isWhole = looks === this.#suspected
      this.#suspected = looks
      if (!isWhole) return 'underway'
      this.#older = looks
      this.#suspected = undefined
      if (this.#part === 'older') this.#offset = 0
      this.#part = 'older'
    } else if (this.#part === 'current' && (await sizeOf(this.#paths.current)) < this.#offset) {
      // Emptied without a copy: it was far too large.
      this.#offset = 0
    }
    return 'done'
  }

  async #seek(lines: number): Promise<void> {
    let left = lines
    for (const part of ['current', 'older'] as const) {
      this.#part = part
      const found = await seekBack(this.#paths[part], left)
      this.#offset = found.offset
      left = found.left
      if (left < 0) return
    }
  }
}

interface Found {
  readonly offset: number
  /** Lines still missing; below 0 once the beginning of the first wanted one is found. */
  readonly left: number
}

/** Where the last so many lines begin. */
async function seekBack(path: string, lines: number): Promise<Found> {
  const size = await sizeOf(path)
  let left = lines
  for (let end = size; end > 0; end -= BLOCK_BYTES) {
    const start = Math.max(0, end - BLOCK_BYTES)
    const block = (await readAt(path, start)).subarray(0, end - start)
    for (let at = block.length - 1; at >= 0; at -= 1) {
      if (block[at] !== LINE_FEED && start + at !== size - 1) continue
      if (left === 0) return { offset: start + at + 1, left: -1 }
      left -= 1
    }
  }
  return { offset: 0, left }
}

async function readAt(path: string, offset: number): Promise<Buffer> {
  const file = await openIfThere(path)
  if (file === undefined) return Buffer.alloc(0)
  try {
    const block = Buffer.allocUnsafe(BLOCK_BYTES)
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, offset)
    return block.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await statIfThere(path))?.size ?? 0
}

async function looksOf(path: string): Promise<string> {
  const found = await statIfThere(path)
  return found === undefined ? 'none' : `${found.size} ${found.mtimeMs}`
}

async function statIfThere(path: string) {
  try {
    return await stat(path)
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Whether anything was written to it at or after that time. */
export async function wasWrittenSince(path: string, sinceMs: number): Promise<boolean> {
  const found = await statIfThere(path)
  return found !== undefined && found.mtimeMs >= sinceMs
}
