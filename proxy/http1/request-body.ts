import { ChunkedBody } from './parsing/chunked-body.ts'

/** How the body of a request is framed, and how much of it is still to come from the client. */
export class RequestBody {
  readonly #chunked: ChunkedBody | undefined
  #left: number

  private constructor(left: number, chunked: ChunkedBody | undefined) {
    this.#left = left
    this.#chunked = chunked
  }

  static of(contentLength: number, chunked: boolean): RequestBody {
    if (chunked) return new RequestBody(0, new ChunkedBody())
    return contentLength > 0 ? new RequestBody(contentLength, undefined) : RequestBody.none
  }

  static readonly none = new RequestBody(0, undefined)

  get isComplete(): boolean {
    return this.#chunked === undefined ? this.#left === 0 : this.#chunked.done
  }

  get isBroken(): boolean {
    return this.#chunked?.broken === true
  }

  /** Takes what belongs to it from bytes[from, to); answers how much that is. */
  take(bytes: Buffer, from: number, to: number): number {
    if (this.#chunked !== undefined) return this.#chunked.scan(bytes, from, to)
    const taken = Math.min(this.#left, to - from)
    this.#left -= taken
    return taken
  }

  /** What was just taken without its chunks; undefined when it has none. */
  get data(): Buffer | undefined {
    return this.#chunked?.data
  }

  /** What was just taken, as it is passed on: undefined when that is what came. */
  get rewritten(): Buffer | undefined {
    if (this.#chunked === undefined || this.#chunked.clean) return undefined
    return this.#chunked.rewritten
  }
}
