import type { Socket } from 'node:net'
import type { Receiver, Transport } from '../transport.ts'
import { failureOf, failureOfErrno, isCut } from './failure.ts'
import type { ReadBuffer } from './read-buffer.ts'
import { remoteAddressOf } from './remote-address.ts'
import {
  type StreamHandle,
  type StreamInternals,
  streamHandleOf,
  type WriteRequest,
} from './stream-internals.ts'

const TRANSPORT = Symbol('transport')
/** What libuv says, on every system, when the other side has ended. */
const EOF = -4_095

/** What node calls back, with the transport that it belongs to. */
interface Carrier {
  [TRANSPORT]?: HandleTransport
}

/** Bytes are kept here until the write is over, and nobody else may collect them. */
interface PendingWrite extends WriteRequest, Carrier {
  bytes?: Uint8Array
}

/** A connection whose bytes move beside `net`, which only opens, ends and closes it. */
export class HandleTransport implements Transport {
  isPending = false
  remoteAddress: string
  readonly #socket: Socket
  readonly #receiver: Receiver
  readonly #buffer: ReadBuffer
  readonly #internals: StreamInternals
  #handle: StreamHandle | undefined
  #isPaused: boolean
  #isReading = false
  /** The other side has ended; and so has this one. */
  #hasEnded = false
  #isEnding = false
  #isFinished = false
  /** Nothing can be sent any more, but what the other side said before may still be read. */
  #isBroken = false
  #isGone = false
  #isClosed = false
  #reason: string | undefined

  constructor(socket: Socket, receiver: Receiver, buffer: ReadBuffer, internals: StreamInternals) {
    this.#socket = socket
    this.#receiver = receiver
    this.#buffer = buffer
    this.#internals = internals
    this.#isPaused = !socket.connecting
    this.remoteAddress = remoteAddressOf(socket)
    Object.assign(socket, { [TRANSPORT]: this })
    socket.on('error', onError)
    socket.on('close', onClose)
    if (socket.connecting) socket.once('connect', onConnect)
    else this.#takeOver()
  }

  send(bytes: Buffer, from: number, to: number): boolean {
    if (this.#isGone || this.#isBroken) return true
    if (this.isPending) throw new Error('Cannot send: the last bytes are still pending')
    if (this.#isEnding) throw new Error('Cannot send: the sending was ended')
    if (this.#handle === undefined) throw new Error('Cannot send: the connection is not open')
    if (from === to) return true
    return this.#write(this.#handle, bytes.subarray(from, to))
  }

  pause(): void {
    this.#isPaused = true
    if (!this.#isReading || this.#isGone) return
    this.#isReading = false
    // Only a read would have told that the connection is over.
    if (this.#isBroken) this.#close()
    else this.#handle?.readStop()
  }

  resume(): void {
    this.#isPaused = false
    this.#read()
  }

  expectMuch(much: boolean): void {
    this.#buffer.expectMuch(much)
  }

  end(): void {
    if (this.#isEnding || this.#isGone) return
    this.#isEnding = true
    this.#socket.once('finish', onFinish)
    this.#socket.end()
  }

  destroy(): void {
    this.#close()
  }

  /** Told by node: bytes were read into the buffer, or a negative number why not. */
  onRead(): Buffer | undefined {
    const { state, lengthIndex } = this.#internals
    const length = state[lengthIndex] ?? 0
    if (length > 0) return this.#received(length)
    if (length < 0) this.#readEnd(length)
    return undefined
  }

  /** Told by node: a pending write is over. */
  onWritten(status: number): void {
    if (this.#isGone) return
    if (status < 0) this.#break(status)
    else {
      this.isPending = false
      this.#receiver.drained()
    }
  }

  onConnect(): void {
    if (this.#isGone) return
    this.remoteAddress = remoteAddressOf(this.#socket)
    this.#takeOver()
    if (this.#isGone) return
    this.#receiver.opened()
    if (!this.#isPaused) this.#read()
  }

  onError(error: Error): void {
    if (this.#isGone) return
    this.#reason ??= failureOf(error)
    this.#isGone = true
  }

  onFinish(): void {
    this.#isFinished = true
    if (this.#hasEnded) this.#close()
  }

  onClose(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#isGone = true
    this.isPending = false
    this.#receiver.closed(this.#reason)
  }

  #takeOver(): void {
    if (this.#socket.closed) process.nextTick(() => this.onClose())
    if (this.#socket.destroyed) return
    const handle = streamHandleOf(this.#socket)
    if (handle === undefined) {
      this.#fail('the connection has no handle that is known')
      return
    }
    this.#handle = handle
    Object.assign(handle, { [TRANSPORT]: this, onread: onHandleRead })
    handle.useUserBuffer(this.#buffer.current)
  }

  #read(): void {
    if (this.#isReading || this.#isGone || this.#hasEnded || this.#handle === undefined) return
    this.#isReading = true
    const error = this.#handle.readStart()
    if (error !== 0) this.#fail(failureOfErrno(error))
  }

  #received(length: number): Buffer | undefined {
    if (this.#isGone) return undefined
    const { current } = this.#buffer
    this.#receiver.received(current, length)
    // Whoever has not yet written what was read has paused the reading.
    const next = this.#buffer.next(this.#isReading && !this.#isGone)
    // Whoever answers a buffer has the next read go into that one.
    return next === current ? undefined : next
  }

  #readEnd(length: number): void {
    if (this.#isGone) return
    this.#isReading = false
    if (length !== EOF) this.#fail(failureOfErrno(length))
    else if (this.#isBroken) this.#close()
    else {
      this.#hasEnded = true
      this.#receiver.ended()
      if (this.#isFinished) this.#close()
    }
  }

  #write(handle: StreamHandle, bytes: Uint8Array): boolean {
    const { WriteRequest, state, asyncIndex } = this.#internals
    spare ??= Object.assign(new WriteRequest(), { oncomplete: onWriteComplete })
    const error = handle.writeBuffer(spare, bytes)
    const isAsync = state[asyncIndex] !== 0
    if (error === 0 && !isAsync) return true
    const request = spare
    // Node has made it part of this write.
    spare = undefined
    if (error !== 0) {
      this.#break(error)
      return true
    }
    request[TRANSPORT] = this
    request.bytes = bytes
    this.isPending = true
    return false
  }

  /**
   * A replica that refuses a body has often said why before it cut the connection. What it said is
   * read first, and the end of the reading is the end of the connection.
   */
  #break(errno: number): void {
    this.#reason ??= failureOfErrno(errno)
    this.#isBroken = true
    if (!this.#isReading || !isCut(errno)) this.#close()
  }

  #fail(reason: string): void {
    this.#reason ??= reason
    this.#close()
  }

  #close(): void {
    this.#isGone = true
    this.#socket.destroy()
  }
}

/** A request may be used again as long as each write with it was over at once. */
let spare: PendingWrite | undefined

function onHandleRead(this: Carrier): Buffer | undefined {
  return this[TRANSPORT]?.onRead()
}

function onWriteComplete(this: PendingWrite, status: number): void {
  this[TRANSPORT]?.onWritten(status)
}

function onConnect(this: Carrier): void {
  this[TRANSPORT]?.onConnect()
}

function onFinish(this: Carrier): void {
  this[TRANSPORT]?.onFinish()
}

function onError(this: Carrier, error: Error): void {
  this[TRANSPORT]?.onError(error)
}

function onClose(this: Carrier): void {
  this[TRANSPORT]?.onClose()
}
