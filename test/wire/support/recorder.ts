import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type Mode, piecesOf, turn } from './pieces.ts'
import { hasHead, readRequest, type StrictRequest } from './strict-requests.ts'
import type { Answer } from './wire-case.ts'

/** Turns of the event loop after which an answer is long over. */
const LATE_TURNS = 20
/** The byte that ends a tunnel from the replica's side. */
const TUNNEL_END = '!'

/** A replica that takes canonical requests and nothing else, and tells what it got. */
export class Recorder {
  requests: StrictRequest[] = []
  dirty: string[] = []
  bytes = 0
  mode: Mode = 'whole'
  #answer: Answer | undefined
  readonly #sockets = new Set<Socket>()
  readonly #server: Server
  port = 0

  constructor() {
    this.#server = createServer((socket) => this.#take(socket))
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    this.port = (this.#server.address() as AddressInfo).port
  }

  /** Forgets what it got; connections stay open, as they would. */
  begin(answer: Answer | undefined, mode: Mode): void {
    this.requests = []
    this.dirty = []
    this.bytes = 0
    this.mode = mode
    this.#answer = answer
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket)
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('error', () => socket.destroy())
    socket.once('close', () => this.#sockets.delete(socket))
    let text = ''
    let tunnels = false
    let early = false
    socket.on('data', (data: string) => {
      this.bytes += data.length
      if (tunnels) return shout(socket, data)
      text += data
      for (;;) {
        if (this.#answersEarly(text) && !early) {
          early = true
          this.#perform(socket)
        }
        const read = readRequest(text, 0)
        if (read.kind === 'dirty') {
          this.dirty.push(read.why)
          socket.destroy()
        }
        if (read.kind !== 'read') return
        text = text.slice(read.end)
        tunnels = this.#answer?.ending === 'tunnels' && !isProbe(read.value)
        this.#react(socket, read.value, early)
        early = false
        if (tunnels && text !== '') {
          shout(socket, text)
          return
        }
      }
    })
  }

  #answersEarly(text: string): boolean {
    return this.#answer?.when === 'head' && hasHead(text, 0) && !text.startsWith('GET /probe')
  }

  #react(socket: Socket, request: StrictRequest, answered: boolean): void {
    if (isProbe(request)) {
      // What a probe sends is not of the case.
      this.bytes = 0
    } else {
      this.requests.push(request)
      if (answered) return
      if (this.#answer !== undefined) {
        this.#perform(socket)
        return
      }
    }
    socket.write(echo(request), 'latin1')
  }

  /** For each try alike: what is asked again is answered as badly again. */
  #perform(socket: Socket): void {
    const answer = this.#answer
    if (answer === undefined) return
    perform(socket, answer, this.mode).catch(() => socket.destroy())
  }
}

/** What a plain answer says of the request. */
export function echoBody({ method, target, body }: StrictRequest): string {
  return `${method} ${target} ${body}`
}

function echo(request: StrictRequest): string {
  const body = echoBody(request)
  const head = `HTTP/1.1 200 OK\r\nX-Recorded: 1\r\nContent-Length: ${body.length}\r\n\r\n`
  return request.method === 'HEAD' ? head : head + body
}

function isProbe({ target }: StrictRequest): boolean {
  return target.startsWith('/probe')
}

async function perform(socket: Socket, answer: Answer, mode: Mode): Promise<void> {
  for (const piece of piecesOf(answer.bytes, mode)) {
    if (socket.destroyed) return
    socket.write(piece, 'latin1')
    await turn(mode === 'halves' ? 3 : 1)
  }
  if (answer.late !== undefined) {
    await turn(LATE_TURNS)
    socket.write(answer.late, 'latin1')
  }
  if (answer.ending === 'ends') socket.end()
  if (answer.ending === 'resets') socket.resetAndDestroy()
}

function shout(socket: Socket, text: string): void {
  if (text.includes(TUNNEL_END)) socket.end(text.toUpperCase())
  else socket.write(text.toUpperCase(), 'latin1')
}
