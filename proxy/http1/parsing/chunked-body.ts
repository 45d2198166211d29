import { CR, HEX, LF, TOKEN } from './bytes.ts'
import { ChunkData } from './chunk-data.ts'
import { behindExtension, isExtension, nextOfExtension, STATE, type State } from './chunk-states.ts'
import { ChunkTrailers } from './chunk-trailers.ts'
import type { HeadLimits } from './message-head.ts'

const SIZE_DIGITS_MAX = 8
/** Of one body: they mean nothing to anyone, so a sender can only want to waste our time. */
const EXTENSION_BYTES_MAX = 512
const TRAILER_LIMITS: HeadLimits = { headerBytesMax: 8_192, headersMax: 64 }

const NOTHING: Buffer = Buffer.alloc(0)

/**
 * Follows a chunked body through whatever slices it comes in (RFC 9112, section 7.1). What it says
 * of the slice that was scanned last holds until that slice changes.
 */
export class ChunkedBody {
  #limits: HeadLimits
  #state: State = STATE.size
  #digits = 0
  /** Of a size, what was read of it; of a chunk, how much is to come. */
  #left = 0
  #extensionBytes = 0
  #trailers: ChunkTrailers | undefined
  #bytes = NOTHING
  #from = 0
  #to = 0
  #stateBefore: State = STATE.size
  #leftBefore = 0
  /** What of the slice is not passed on: pairs of positions. */
  readonly #cuts: number[] = []
  #endsWithTrailers = false

  constructor(trailerLimits: HeadLimits = TRAILER_LIMITS) {
    this.#limits = trailerLimits
  }

  get done(): boolean {
    return this.#state === STATE.done
  }

  get broken(): boolean {
    return this.#state === STATE.broken
  }

  /** Whether what was scanned last may be passed on as it came: no extensions, no trailers. */
  get clean(): boolean {
    return this.#cuts.length === 0
  }

  /** What was scanned last as it may be passed on. */
  get rewritten(): Buffer {
    const pieces: Buffer[] = []
    let from = this.#from
    for (let at = 0; at < this.#cuts.length; at += 2) {
      pieces.push(this.#bytes.subarray(from, this.#cuts[at]))
      from = this.#cuts[at + 1] ?? this.#to
    }
    pieces.push(this.#bytes.subarray(from, this.#to))
    if (this.#endsWithTrailers) pieces.push(this.#trailers?.kept ?? NOTHING)
    return Buffer.concat(pieces)
  }

  /** What was scanned last without its chunks, for whoever does not know them. */
  get data(): Buffer {
    const data = new ChunkData(this.#stateBefore, this.#leftBefore)
    return data.of(this.#bytes.subarray(this.#from, this.#to))
  }

  /** Begins with another body. */
  reset(trailerLimits: HeadLimits = this.#limits): void {
    this.#limits = trailerLimits
    this.#state = STATE.size
    this.#digits = 0
    this.#left = 0
    this.#extensionBytes = 0
    this.#trailers = undefined
    this.#begin(NOTHING, 0)
    this.#to = 0
  }

  /** Follows it through bytes[from, to); answers how many of them belong to it. */
  scan(bytes: Buffer, from: number, to: number): number {
    this.#begin(bytes, from)
    let at = from
    while (at < to && this.#state < STATE.done) {
      if (this.#state === STATE.data) {
        const taken = Math.min(this.#left, to - at)
        at += taken
        this.#left -= taken
        if (this.#left === 0) this.#state = STATE.dataEnd
      } else if (this.#state === STATE.trailers) {
        at = this.#takeTrailers(at, to)
      } else {
        at += this.#step(bytes[at] ?? 0, at)
      }
    }
    if (this.#cuts.length % 2 === 1) this.#cuts.push(at)
    this.#to = at
    return at - from
  }

  #begin(bytes: Buffer, from: number): void {
    this.#bytes = bytes
    this.#from = from
    this.#stateBefore = this.#state
    this.#leftBefore = this.#left
    this.#endsWithTrailers = false
    this.#cuts.length = 0
    if (isExtension(this.#state)) this.#cuts.push(from)
  }

  /** Answers how many bytes it took: trailers begin with a byte that is still theirs. */
  #step(byte: number, at: number): number {
    const before = this.#state
    const next = isExtension(before) ? this.#inExtension(byte) : this.#framing(byte)
    this.#state = next
    if (isExtension(before) !== isExtension(next)) this.#cuts.push(at)
    return next === STATE.trailers || next === STATE.broken ? 0 : 1
  }

  #inExtension(byte: number): State {
    this.#extensionBytes += 1
    if (this.#extensionBytes > EXTENSION_BYTES_MAX) return STATE.broken
    return nextOfExtension(this.#state, byte)
  }

  #framing(byte: number): State {
    switch (this.#state) {
      case STATE.size:
        return this.#ofSize(byte)
      case STATE.sizeEnd:
        this.#digits = 0
        if (byte !== LF) return STATE.broken
        return this.#left === 0 ? STATE.last : STATE.data
      case STATE.dataEnd:
        return byte === CR ? STATE.dataEndRest : STATE.broken
      case STATE.dataEndRest:
        return byte === LF ? STATE.size : STATE.broken
      case STATE.last:
        if (byte === CR) return STATE.lastRest
        return TOKEN[byte] === 0 ? STATE.broken : STATE.trailers
      default:
        return byte === LF ? STATE.done : STATE.broken
    }
  }

  #ofSize(byte: number): State {
    const digit = HEX[byte] ?? 0
    if (digit === 0) return this.#digits === 0 ? STATE.broken : behindExtension(byte)
    this.#digits += 1
    this.#left = this.#left * 16 + digit - 1
    return this.#digits > SIZE_DIGITS_MAX ? STATE.broken : STATE.size
  }

  #takeTrailers(from: number, to: number): number {
    this.#trailers ??= new ChunkTrailers(this.#limits)
    if (this.#cuts.length % 2 === 0) this.#cuts.push(from)
    const taken = this.#trailers.take(this.#bytes, from, to)
    if (taken < 0) this.#state = STATE.broken
    if (taken > 0) this.#state = STATE.done
    this.#endsWithTrailers = taken > 0
    return taken > 0 ? from + taken : to
  }
}
