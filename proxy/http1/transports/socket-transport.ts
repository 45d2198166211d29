import type { Socket } from 'node:net'
import type { Receiver, Transport } from '../transport.ts'
import { failureOf } from './failure.ts'
import { remoteAddressOf } from './remote-address.ts'

/** How the reading of a socket is stopped and started again. */
export interface Reading {
  stop(socket: Socket): void
  start(socket: Socket): void
  expectMuch(much: boolean): void
}

/** A connection that is driven by what `net` makes public; only the reading differs. */
export class SocketTransport implements Transport {
  isPending = false
  remoteAddress: string
  readonly #socket: Socket
  readonly #receiver: Receiver
  readonly #reading: Reading
  /** One for all writes: `net` tells their end to a function that it does not call by method. */
  readonly #written = (): void => this.#drain()
  #isPaused = false
  #theirEnd: 'awaited' | 'untold' | 'told' = 'awaited'
  #isEnding = false
  #isGone = false
  #isClosed = false
  #reason: string | undefined

  constructor(socket: Socket, receiver: Receiver, reading: Reading) {
    this.#socket = socket
    this.#receiver = receiver
    this.#reading = reading
    this.remoteAddress = remoteAddressOf(socket)
    socket.on('end', () => this.#ended())
    socket.on('error', (error) => this.#failed(error))
    socket.on('close', () => this.#close())
    if (socket.closed) process.nextTick(() => this.#close())
    if (socket.connecting) this.#open()
    else this.pause()
  }

  /** Told by the reading. */
  received(bytes: Buffer, length: number): void {
    if (!this.#isGone) this.#receiver.received(bytes, length)
  }

  send(bytes: Buffer, from: number, to: number): boolean {
    const socket = this.#socket
    if (this.#isGone || socket.destroyed || socket.errored !== null) return true
    if (this.isPending) throw new Error('Cannot send: the last bytes are still pending')
    if (this.#isEnding) throw new Error('Cannot send: the sending was ended')
    if (from === to) return true
    socket.write(bytes.subarray(from, to), this.#written)
    // What went to the kernel at once is no longer counted; what is counted is still referred to.
    this.isPending = socket.writableLength > 0
    return !this.isPending
  }

  pause(): void {
    if (this.#isPaused) return
    this.#isPaused = true
    this.#reading.stop(this.#socket)
  }

  resume(): void {
    if (!this.#isPaused) return
    this.#isPaused = false
    if (this.#isGone) return
    if (this.#theirEnd === 'untold') process.nextTick(() => this.#ended())
    else if (this.#theirEnd === 'awaited' && !this.#socket.connecting) {
      this.#reading.start(this.#socket)
    }
  }

  expectMuch(much: boolean): void {
    this.#reading.expectMuch(much)
  }

  end(): void {
    if (this.#isGone) return
    this.#isEnding = true
    this.#socket.end()
  }

  destroy(): void {
    this.#isGone = true
    this.#socket.destroy()
  }

  #open(): void {
    this.#socket.once('connect', () => {
      if (this.#isGone) return
      this.remoteAddress = remoteAddressOf(this.#socket)
      this.#receiver.opened()
      if (!this.#isPaused && !this.#isGone) this.#reading.start(this.#socket)
    })
  }

  #drain(): void {
    // The callback of an earlier write, which was not pending, may come while a later one is.
    if (this.#isGone || !this.isPending || this.#socket.writableLength > 0) return
    // A write that failed is called back, too; that the connection is over is told instead.
    if (this.#socket.errored !== null) return
    this.isPending = false
    this.#receiver.drained()
  }

  #ended(): void {
    if (this.#isGone || this.#theirEnd === 'told') return
    this.#theirEnd = this.#isPaused ? 'untold' : 'told'
    if (!this.#isPaused) this.#receiver.ended()
  }

  #failed(error: Error): void {
    if (!this.#isGone) this.#reason = failureOf(error)
    this.#isGone = true
  }

  #close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isGone = true
    this.isPending = false
    this.#receiver.closed(this.#reason)
  }
}
