/** One WebSocket, at either end; the only importer of ws. */
import type { Agent, IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { after, repeat, systemClock } from './clock.ts'
import { refusalOf } from './control-answer.ts'
import { RequestError } from './errors.ts'
import { FRAME_BYTES_MAX } from './stream-frames.ts'

export type Message = Uint8Array | string

export interface SocketListener {
  onMessage(message: Message): void
  /** It takes more again. */
  onDrain(): void
}

export interface StreamSocket {
  send(message: Message): void
  readonly isWritable: boolean
  /** Replaces the listener before; what came while there was none is told first. */
  listen(listener: SocketListener | undefined): void
  /** What was sent before still arrives. */
  close(reason: string): void
  /** Why it is closed, by either end. */
  readonly closed: Promise<string>
}

export interface Dial {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly agent: Agent
  /** Ends the attempt; not the socket, once it is open. */
  readonly signal: AbortSignal
}

const PING_EVERY_MS = 10_000
/** Without a sign of life for so long, the other side is gone. */
const SILENCE_MAX_MS = 25_000
const LOOK_EVERY_MS = 2_500
const BUFFERED_BYTES_MAX = 262_144
const CLOSE_GRACE_MS = 2_000
const REASON_BYTES_MAX = 120
const REFUSAL_BYTES_MAX = 65_536
const OPTIONS = { perMessageDeflate: false, maxPayload: FRAME_BYTES_MAX } as const

/** Rejects with the RequestError that the server answered, or with a failure of the network. */
export function dialSocket({ url, headers, agent, signal }: Dial): Promise<StreamSocket> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const socket = new WebSocket(url, { ...OPTIONS, headers, agent })
    const asked = `GET ${new URL(url).pathname}`
    const giveUp = (): void => {
      reject(signal.reason)
      socket.terminate()
    }
    signal.addEventListener('abort', giveUp, { once: true })
    const done = (): void => signal.removeEventListener('abort', giveUp)
    socket.once('open', () => {
      done()
      resolve(new Connected(socket))
    })
    // Stays: an attempt that is given up tells of it by an error.
    socket.on('error', (error) => {
      done()
      reject('code' in error ? error : unexpected(asked, error))
    })
    socket.once('unexpected-response', (request, response) => {
      done()
      readRefusal(response).then((text) => {
        request.destroy()
        reject(refusalOf(asked, response.statusCode ?? 502, text))
      }, reject)
    })
  })
}

const server = new WebSocketServer({ noServer: true, clientTracking: false, ...OPTIONS })

/** Rejects when it is no proper request for a WebSocket; the client has its answer then. */
export function acceptSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): Promise<StreamSocket> {
  return new Promise((resolve, reject) => {
    const refused = (): void => {
      reject(new RequestError(400, 'MALFORMED_REQUEST', 'Cannot open a WebSocket: it is none'))
    }
    socket.once('close', refused)
    server.handleUpgrade(request, socket, head, (opened) => {
      socket.off('close', refused)
      resolve(new Connected(opened))
    })
  })
}

class Connected implements StreamSocket {
  readonly #socket: WebSocket
  readonly closed: Promise<string>
  #listener: SocketListener | undefined
  #early: Message[] = []
  #heardAtMs = systemClock.nowMs()

  constructor(socket: WebSocket) {
    this.#socket = socket
    const over = new AbortController()
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      this.#heardAtMs = systemClock.nowMs()
      this.#hear(isBinary ? data : data.toString('utf8'))
    })
    for (const sign of ['ping', 'pong'] as const) {
      socket.on(sign, () => {
        this.#heardAtMs = systemClock.nowMs()
      })
    }
    // It is closing then, but the other side may not read any more.
    socket.on('error', () => after(CLOSE_GRACE_MS, () => socket.terminate()))
    this.closed = new Promise((resolve) => {
      socket.once('close', (_code: number, reason: Buffer) => {
        over.abort()
        resolve(reason.length > 0 ? reason.toString('utf8') : 'the connection was cut')
      })
    })
    // Nothing is read as long as nobody listens.
    socket.pause()
    void this.#watch(over.signal)
  }

  get isWritable(): boolean {
    return this.#isOpen && this.#socket.bufferedAmount < BUFFERED_BYTES_MAX
  }

  send(message: Message): void {
    if (!this.#isOpen) return
    this.#socket.send(message, () => {
      if (this.isWritable) this.#listener?.onDrain()
    })
  }

  listen(listener: SocketListener | undefined): void {
    this.#listener = listener
    for (const message of this.#early.splice(0)) this.#hear(message)
    // It may have been replaced meanwhile.
    if (this.#listener === undefined) this.#socket.pause()
    else this.#socket.resume()
  }

  close(reason: string): void {
    const said = Buffer.from(reason).subarray(0, REASON_BYTES_MAX).toString('utf8')
    // The other side's answer must be read.
    this.#socket.resume()
    this.#socket.close(1000, said)
    after(CLOSE_GRACE_MS, () => this.#socket.terminate())
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN
  }

  #hear(message: Message): void {
    if (this.#listener === undefined) this.#early.push(message)
    else this.#listener.onMessage(message)
  }

  async #watch(over: AbortSignal): Promise<void> {
    let pingedAtMs = systemClock.nowMs()
    const look = (): void => {
      const nowMs = systemClock.nowMs()
      if (nowMs - this.#heardAtMs > SILENCE_MAX_MS) this.#socket.terminate()
      else if (nowMs - pingedAtMs >= PING_EVERY_MS && this.#isOpen) {
        pingedAtMs = nowMs
        this.#socket.ping()
      }
    }
    await repeat(look, LOOK_EVERY_MS, systemClock, over)
  }
}

async function readRefusal(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > REFUSAL_BYTES_MAX) break
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unexpected(asked: string, error: Error): RequestError {
  return new RequestError(502, 'UNEXPECTED_ANSWER', `Cannot ${asked}: ${error.message}`)
}
