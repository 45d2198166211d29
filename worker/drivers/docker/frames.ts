/** What a container without a terminal prints, as the engine wraps it: a head, then the bytes. */
export interface Piece {
  readonly stream: 'stdout' | 'stderr'
  readonly bytes: Buffer
  /** Whether its frame ends with it. */
  readonly isLast: boolean
}

const HEAD_BYTES = 8
const STDERR = 2

/** Pieces come as soon as their bytes do: a frame is never gathered. */
export async function* unframed(chunks: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  let head: Buffer = Buffer.alloc(0)
  let stream: Piece['stream'] = 'stdout'
  let left = 0
  for await (const chunk of chunks) {
    let rest: Buffer = chunk
    while (rest.length > 0) {
      if (left === 0) {
        const missing = HEAD_BYTES - head.length
        head = Buffer.concat([head, rest.subarray(0, missing)])
        rest = rest.subarray(missing)
        if (head.length < HEAD_BYTES) break
        stream = streamOf(head)
        left = head.readUInt32BE(4)
        head = Buffer.alloc(0)
        continue
      }
      const bytes = rest.subarray(0, left)
      rest = rest.subarray(left)
      left -= bytes.length
      yield { stream, bytes, isLast: left === 0 }
    }
  }
}

function streamOf(head: Buffer): Piece['stream'] {
  const kind = head.readUInt8(0)
  if (kind <= STDERR && head.readUIntBE(1, 3) === 0) return kind === STDERR ? 'stderr' : 'stdout'
  throw new Error('Cannot read output: it comes from a terminal')
}
