import { ChunkedBody } from './parsing/chunked-body.ts'
import type { ResponseHead } from './parsing/response-head.ts'

const NO_CONTENT = 204
const NOT_MODIFIED = 304

/** How the body of an answer is framed, and how much of it is still to come from the replica. */
export class AnswerBody {
  /** It is over when the connection is. */
  readonly endsWithConnection: boolean
  readonly #chunked: ChunkedBody | undefined
  #left: number

  constructor(head: ResponseHead, isHead: boolean) {
    const { status, contentLength } = head
    const bodiless = isHead || status === NO_CONTENT || status === NOT_MODIFIED
    const chunked = !bodiless && head.chunked
    this.#chunked = chunked ? new ChunkedBody() : undefined
    this.endsWithConnection = !bodiless && !chunked && contentLength < 0
    this.#left = bodiless || chunked || contentLength < 0 ? 0 : contentLength
  }

  get isChunked(): boolean {
    return this.#chunked !== undefined
  }

  get isComplete(): boolean {
    if (this.#chunked !== undefined) return this.#chunked.done
    return this.#left === 0 && !this.endsWithConnection
  }

  get isBroken(): boolean {
    return this.#chunked?.broken === true
  }

  /** How much is known to follow. */
  get left(): number {
    return this.#left
  }

  /** Takes what belongs to it from bytes[from, to); answers how much that is. */
  take(bytes: Buffer, from: number, to: number): number {
    if (this.#chunked !== undefined) return this.#chunked.scan(bytes, from, to)
    if (this.endsWithConnection) return to - from
    const taken = Math.min(this.#left, to - from)
    this.#left -= taken
    return taken
  }

  /** What was just taken as it is passed on; undefined when that is what came. */
  rewritten(asChunks: boolean): Buffer | undefined {
    if (this.#chunked === undefined) return undefined
    if (!asChunks) return this.#chunked.data
    return this.#chunked.clean ? undefined : this.#chunked.rewritten
  }
}
