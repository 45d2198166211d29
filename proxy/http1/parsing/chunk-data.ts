import { HEX, LF } from './bytes.ts'
import { isExtension, STATE, type State } from './chunk-states.ts'

type Reads = 'size' | 'line' | 'data' | 'line end' | 'nothing'

/** Takes the data out of a slice that a ChunkedBody, in this state before, has found good. */
export class ChunkData {
  #reads: Reads
  /** Of a size, what was read of it; of a chunk, how much is to come. */
  #left: number

  constructor(state: State, left: number) {
    this.#reads = readsOf(state)
    this.#left = left
  }

  of(slice: Buffer): Buffer {
    const data = Buffer.allocUnsafe(slice.length)
    let length = 0
    for (let at = 0; at < slice.length; ) {
      const taken = this.#reads === 'data' ? Math.min(this.#left, slice.length - at) : 0
      if (taken > 0) {
        slice.copy(data, length, at, at + taken)
        length += taken
        at += taken
        this.#left -= taken
        if (this.#left === 0) this.#reads = 'line end'
      } else {
        this.#skip(slice[at] ?? 0)
        at += 1
      }
    }
    return data.subarray(0, length)
  }

  #skip(byte: number): void {
    if (this.#reads === 'nothing') return
    if (byte === LF) this.#reads = this.#behindLine()
    if (this.#reads !== 'size' || byte === LF) return
    const digit = HEX[byte] ?? 0
    if (digit === 0) this.#reads = 'line'
    else this.#left = this.#left * 16 + digit - 1
  }

  #behindLine(): Reads {
    if (this.#reads === 'line end') return 'size'
    return this.#left === 0 ? 'nothing' : 'data'
  }
}

function readsOf(state: State): Reads {
  if (state === STATE.size) return 'size'
  if (isExtension(state) || state === STATE.sizeEnd) return 'line'
  if (state === STATE.data) return 'data'
  return state === STATE.dataEnd || state === STATE.dataEndRest ? 'line end' : 'nothing'
}
