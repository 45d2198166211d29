import type { SaidHost } from './asked.ts'
import type { EngineParts } from './engine-parts.ts'
import type { Template } from './introduction.ts'
import { KnownLines } from './parsing/known-lines.ts'
import { mayBeComplete, parseRequestHead, type RequestHead } from './parsing/request-head.ts'

/** Lines as a replica got them, with room for other identifiers. */
export interface WrittenLines extends Template {
  /** The framing depends on it. */
  readonly method: string
}

type HeadParts = Pick<EngineParts, 'requestHead' | 'limits'>

/** Clients that never say the same twice are not listened to for it any more. */
const MISSES_MAX = 4
/** What is remembered is kept for as long as the connection. */
const KNOWN_BYTES_MAX = 4_096

/** Reads the heads of one client's requests, and remembers what it says again and again. */
export class ClientHeads implements SaidHost {
  /** How the lines that are known were written. */
  written: WrittenLines | undefined = undefined
  /** The host that they name. */
  host: string | undefined = undefined
  readonly #parts: HeadParts
  #known: KnownLines | undefined = undefined
  #isFirst = true
  #misses = 0

  constructor(parts: HeadParts) {
    this.#parts = parts
  }

  /** As `parseRequestHead`, of what was looked at in vain up to `searchedTo`. */
  read(bytes: Buffer, from: number, to: number, searchedTo: number): number {
    const { requestHead: head, limits } = this.#parts
    // Garbage shows at the first look; what dribbles in is looked at again line by line.
    const isNew = searchedTo === 0 || to - from > limits.headerBytesMax
    if (!isNew && !mayBeComplete(bytes, searchedTo, to)) return 0
    const end = parseRequestHead(bytes, from, to, head, limits, this.#known)
    if (head.isKnown) this.#misses = 0
    else if (end > 0) this.#learn(bytes, head)
    return end
  }

  /** Most connections carry one request: only a second one is worth remembering. */
  #learn(bytes: Buffer, head: RequestHead): void {
    const isLarge = head.end - head.linesFrom > KNOWN_BYTES_MAX
    if (this.#isFirst || isLarge || this.#misses >= MISSES_MAX) {
      this.#isFirst = false
      this.#known = undefined
      return
    }
    this.#misses += 1
    this.#known ??= new KnownLines()
    this.#known.learn(bytes, head.linesFrom, head.end, head.section)
    this.written = undefined
    this.host = undefined
  }
}
