import { ChunkedBody } from '../../../../proxy/http1/parsing/chunked-body.ts'

/** What became of a body that came in pieces. */
export interface ChunksRead {
  readonly end: 'done' | 'broken' | 'open'
  readonly data: string
  /** As it is passed on. */
  readonly passedOn: string
  /** What of the stream is no part of it. */
  readonly rest: string
  readonly clean: boolean
}

/** Reads a stream in pieces that end at these places. */
export function readChunks(text: string, places: readonly number[] = []): ChunksRead {
  const stream = Buffer.from(text, 'latin1')
  const body = new ChunkedBody()
  let data = ''
  let passedOn = ''
  let clean = true
  let at = 0
  for (const to of [...places, stream.length].sort((one, other) => one - other)) {
    if (to <= at || body.done || body.broken) continue
    // Somewhere else in memory each time, as pieces of a connection are.
    const piece = Buffer.concat([Buffer.from('??'), stream.subarray(at, to), Buffer.from('!!')])
    const taken = body.scan(piece, 2, 2 + to - at)
    data += body.data.toString('latin1')
    const asItIs = piece.subarray(2, 2 + taken)
    passedOn += (body.clean ? asItIs : body.rewritten).toString('latin1')
    clean &&= body.clean
    at += taken
  }
  const end = body.done ? 'done' : body.broken ? 'broken' : 'open'
  return { end, data, passedOn, clean, rest: text.slice(at) }
}
