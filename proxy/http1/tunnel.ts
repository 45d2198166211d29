import type { ClientConnection } from './client-connection.ts'
import type { ResponseHead } from './parsing/response-head.ts'
import type { UpstreamConnection } from './upstream-connection.ts'

/** Who is told that both sides are done. */
export interface Tunnelling {
  tunnelEnded(): void
}

const SHAPE = {
  chunked: false,
  length: 'untold',
  connection: 'upgrade',
  cookie: undefined,
} as const

/** Both connections joined after a 101: what one says the other hears, and they end together. */
export class Tunnel {
  readonly #client: ClientConnection
  readonly #upstream: UpstreamConnection
  readonly #owner: Tunnelling
  #clientEnded = false
  #upstreamEnded = false

  constructor(client: ClientConnection, upstream: UpstreamConnection, owner: Tunnelling) {
    this.#client = client
    this.#upstream = upstream
    this.#owner = owner
  }

  /** Passes the 101 on, and what the replica said behind it. */
  begin(head: ResponseHead, bytes: Buffer, from: number, to: number): void {
    const { responseWriter } = this.#upstream.parts
    responseWriter.write(bytes, from, head, SHAPE)
    const together = responseWriter.append(bytes, head.end, to)
    const sent = this.#client.write(responseWriter.bytes, 0, responseWriter.length)
    if (!sent) {
      responseWriter.leave()
      this.#upstream.pause()
    }
    if (!together) this.#client.write(Buffer.from(bytes.subarray(head.end, to)), 0, to - head.end)
    this.#arm()
  }

  /** Takes all of it. */
  fromClient(bytes: Buffer, from: number, to: number): number {
    this.#arm()
    // The client's bytes are lent for this call only.
    const piece = Buffer.from(bytes.subarray(from, to))
    if (!this.#upstream.send(piece, 0, piece.length)) this.#client.pause()
    return to - from
  }

  fromUpstream(bytes: Buffer, from: number, to: number): void {
    this.#arm()
    if (!this.#client.write(bytes, from, to)) this.#upstream.pause()
  }

  clientDrained(): void {
    if (this.#upstreamEnded) this.#client.endAfterWriting()
    else this.#upstream.resume()
    this.#endIfBothDid()
  }

  upstreamDrained(): void {
    if (this.#clientEnded) this.#upstream.end()
    else this.#client.resume()
  }

  clientEnded(): void {
    this.#clientEnded = true
    if (!this.#upstream.isPending) this.#upstream.end()
    this.#endIfBothDid()
  }

  upstreamEnded(): void {
    this.#upstreamEnded = true
    if (!this.#client.isPending) this.#client.endAfterWriting()
    this.#endIfBothDid()
  }

  /** The replica's connection broke: what it said before is still delivered. */
  upstreamLost(): void {
    this.#upstreamEnded = true
    this.#clientEnded = true
    this.#endIfBothDid()
  }

  #endIfBothDid(): void {
    if (this.#clientEnded && this.#upstreamEnded && !this.#client.isPending) {
      this.#owner.tunnelEnded()
    }
  }

  #arm(): void {
    const { deadlines, limits } = this.#upstream.parts
    const dueAtMs = deadlines.nowMs + limits.lastingIdleMs
    this.#upstream.dueAtMs = dueAtMs
    this.#client.dueAtMs = dueAtMs
  }
}
