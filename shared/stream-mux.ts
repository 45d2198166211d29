/** Many streams over one connection: each with its own window, so that none waits for another. */
import { RequestError } from './errors.ts'
import {
  decodeFrame,
  encodeFrame,
  FRAME_BYTES_MAX,
  type Frame,
  STREAM_ID_MAX,
  type StreamEnd,
} from './stream-frames.ts'
import { type Answering, Lane, type Stream } from './stream-lane.ts'

export type { Answering, Stream, StreamChunk } from './stream-lane.ts'

/** The connection below: whole messages, in order. */
export interface StreamPort {
  send(bytes: Uint8Array): void
  /** Whether it wants more now; `flush` is called when it does again. */
  readonly isWritable: boolean
  close(reason: string): void
}

export interface MuxOptions {
  readonly port: StreamPort
  readonly streamsMax?: number
  /** What the other side opens; without it, it may open nothing. */
  readonly onOpen?: (request: unknown, stream: Answering) => void
}

export const STREAMS_MAX = 256

export class StreamMux {
  readonly #options: MuxOptions
  readonly #lanes = new Map<number, Lane>()
  /** Those with something to send, in the order of their turns. */
  readonly #ready = new Set<Lane>()
  readonly #connection = {
    send: (frame: Frame): void => this.#send(frame),
    onReady: (lane: Lane): void => this.#onReady(lane),
    onOver: (lane: Lane): void => this.#forget(lane),
  }
  #lastId = 0
  #isFlushing = false
  #lost: StreamEnd | undefined

  constructor(options: MuxOptions) {
    this.#options = options
  }

  get streams(): number {
    return this.#lanes.size
  }

  /** Received by all streams together, and not taken yet. */
  get waitingBytes(): number {
    return [...this.#lanes.values()].reduce((sum, { waitingBytes }) => sum + waitingBytes, 0)
  }

  open(request: unknown): Stream {
    const id = this.#lastId + 1
    const frame: Frame = { kind: 'open', id, request }
    if (encodeFrame(frame).length > FRAME_BYTES_MAX) {
      throw new RequestError(413, 'PAYLOAD_TOO_LARGE', 'Cannot open the stream: it asks too much')
    }
    const lane = this.attach(id)
    this.#send(frame)
    return lane
  }

  /** A stream that both ends know of without a word. */
  attach(id: number): Answering {
    if (this.#lost?.kind === 'failed') {
      const { status, code, message } = this.#lost
      throw new RequestError(status, code, message)
    }
    const max = this.#options.streamsMax ?? STREAMS_MAX
    if (this.#lanes.size >= max || id > STREAM_ID_MAX) throw tooMany(max)
    this.#lastId = id
    const lane = new Lane(id, this.#connection)
    this.#lanes.set(id, lane)
    return lane
  }

  /** A message that came. */
  receive(bytes: Uint8Array): void {
    if (this.#lost !== undefined) return
    const decoded = decodeFrame(bytes)
    if (decoded.kind === 'malformed') this.#break(decoded.reason)
    else if (decoded.frame.kind === 'open') this.#opened(decoded.frame.id, decoded.frame.request)
    else this.#pass(decoded.frame)
  }

  /** Sends as much as the connection takes: a frame of each stream in turn. */
  flush(): void {
    for (const lane of this.#ready) {
      if (!this.#options.port.isWritable) return
      this.#ready.delete(lane)
      const frame = lane.take()
      if (frame !== undefined) this.#send(frame)
      // Behind all others that wait.
      if (lane.hasMore && this.#lanes.has(lane.id)) this.#ready.add(lane)
    }
  }

  /** The connection is gone, and with it every stream. */
  lose(end: StreamEnd & { readonly kind: 'failed' }): void {
    if (this.#lost !== undefined) return
    this.#lost = end
    for (const lane of [...this.#lanes.values()]) lane.finish(end)
    this.#ready.clear()
  }

  #opened(id: number, request: unknown): void {
    const { onOpen, streamsMax: max = STREAMS_MAX } = this.#options
    if (onOpen === undefined || id <= this.#lastId) this.#break('nothing may be opened here')
    else if (this.#lanes.size < max) onOpen(request, this.attach(id))
    else {
      this.#lastId = id
      const { status, code, message } = tooMany(max)
      this.#send({ kind: 'end', id, end: { kind: 'failed', status, code, message } })
    }
  }

  #pass(frame: Frame): void {
    const lane = this.#lanes.get(frame.id)
    if (lane === undefined) {
      // What was on its way as the stream ended is late, not wrong.
      if (frame.id > this.#lastId) this.#break(`stream ${frame.id} was never opened`)
    } else if (!lane.receive(frame)) this.#break(`a frame "${frame.kind}" breaks the rules`)
  }

  #break(reason: string): void {
    const message = `Cannot go on: the other side sent a malformed frame: ${reason}`
    this.lose({ kind: 'failed', status: 502, code: 'MALFORMED_FRAME', message })
    this.#options.port.close(reason)
  }

  #send(frame: Frame): void {
    if (this.#lost === undefined) this.#options.port.send(encodeFrame(frame))
  }

  #forget(lane: Lane): void {
    this.#lanes.delete(lane.id)
    this.#ready.delete(lane)
  }

  #onReady(lane: Lane): void {
    if (this.#lost !== undefined) return
    this.#ready.add(lane)
    if (this.#isFlushing) return
    this.#isFlushing = true
    // Later: what is written meanwhile shares a frame.
    setImmediate(() => {
      this.#isFlushing = false
      this.flush()
    })
  }
}

function tooMany(max: number): RequestError {
  const message = `Cannot open another stream: ${max} are open on this connection`
  return new RequestError(503, 'TOO_MANY_STREAMS', message)
}
