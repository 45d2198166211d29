import type { Socket } from 'node:net'

/** What hears of a connection. */
export interface Receiver {
  /** It is open; told only of a connection that this side opened. */
  opened(): void
  /**
   * The first `length` bytes. They are lent for this call: what is kept is copied. Only those of a
   * connection that this side opened stay as they are while it is paused, if `pause` was called
   * before this call returns.
   */
  received(bytes: Buffer, length: number): void
  /** What `send` left pending is written: its memory is free, and more may be sent. */
  drained(): void
  /** The other side sends nothing more; it may still read. */
  ended(): void
  /** It is over, whoever ended it; told once and last. The reason is undefined for a clean end. */
  closed(reason: string | undefined): void
}

/** One TCP connection, as the engine drives it. */
export interface Transport {
  /** Without the prefix of addresses that are IPv4 in truth. */
  readonly remoteAddress: string
  /** Whether something that was sent is not yet written. */
  readonly isPending: boolean
  /**
   * Writes bytes[from, to). True: they are with the kernel and the memory is free. False: it must
   * stay unchanged until `drained`, and nothing else may be sent before.
   */
  send(bytes: Buffer, from: number, to: number): boolean
  pause(): void
  resume(): void
  /** A large body is to come or is over: worth a large read buffer, or not any more. */
  expectMuch(much: boolean): void
  /** Nothing more is sent; what is pending still is. */
  end(): void
  /** Ends it at once; what is pending is lost. `closed` follows, never within this call. */
  destroy(): void
}

export type TransportName = 'handle' | 'onread' | 'data'

export interface UpstreamAddress {
  readonly host: string
  readonly port: number
}

/** One way to move bytes between sockets and receivers. */
export interface Transports {
  readonly name: TransportName
  /** Takes over a socket that a paused server accepted; reading starts with `resume`. */
  accept(socket: Socket, receiver: Receiver): Transport
  /** Opens a connection; reading starts by itself once it is open. */
  connect(address: UpstreamAddress, receiver: Receiver): Transport
}
