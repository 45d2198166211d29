import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { Transports, UpstreamAddress } from '../../../../proxy/http1/transport.ts'
import { dataTransports } from '../../../../proxy/http1/transports/data.ts'
import { handleTransports } from '../../../../proxy/http1/transports/handle.ts'
import { onreadTransports } from '../../../../proxy/http1/transports/onread.ts'
import { until } from '../../../support/until.ts'
import { Recorder } from './recorder.ts'

export const ALL = [handleTransports, onreadTransports, dataTransports] as const

/** A paused server, and the connections to it that are driven by transports. */
export class World {
  readonly recorders: Recorder[] = []
  readonly #transports: Transports
  readonly #server: Server
  readonly #sockets: Socket[] = []

  private constructor(transports: Transports, server: Server) {
    this.#transports = transports
    this.#server = server
  }

  /** At the end of the test all is closed, and nobody was told what must not be told. */
  static async open(transports: Transports): Promise<World> {
    const server = pausedServer()
    const world = new World(transports, server)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => world.#close())
    return world
  }

  get address(): UpstreamAddress {
    return addressOf(this.#server)
  }

  /** Both ends by transports; the accepted one does not read yet. */
  async pair(): Promise<{ readonly near: Recorder; readonly far: Recorder }> {
    const accepted = once(this.#server, 'connection')
    const near = this.connect()
    const [socket] = await accepted
    const far = this.accept(socket)
    await near.hears('opened')
    return { near, far }
  }

  /** The accepted end by a transport, the other one an ordinary socket. */
  async far(): Promise<{ readonly far: Recorder; readonly peer: Socket }> {
    const accepted = once(this.#server, 'connection')
    const peer = this.own(connect({ ...this.address, allowHalfOpen: true }))
    const [socket] = await accepted
    return { far: this.accept(socket), peer }
  }

  /** The opened end by a transport, the other one an ordinary socket. */
  async near(): Promise<{ readonly near: Recorder; readonly peer: Socket }> {
    const accepted = once(this.#server, 'connection')
    const near = this.connect()
    const [socket] = await accepted
    await near.hears('opened')
    return { near, peer: this.own(socket) }
  }

  connect(address = this.address, recorder = new Recorder()): Recorder {
    this.recorders.push(recorder)
    recorder.transport = this.#transports.connect(address, recorder)
    return recorder
  }

  accept(socket: Socket, recorder = new Recorder()): Recorder {
    this.recorders.push(recorder)
    recorder.transport = this.#transports.accept(socket, recorder)
    return recorder
  }

  /** Every connection from now on. */
  onConnection(callback: (socket: Socket) => void): void {
    this.#server.on('connection', callback)
  }

  own(socket: Socket): Socket {
    socket.on('error', () => undefined)
    this.#sockets.push(socket)
    return socket
  }

  async #close(): Promise<void> {
    for (const { transport } of this.recorders) transport.destroy()
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
    await until(() => this.recorders.every((recorder) => recorder.has('closed')))
    expect(this.recorders.flatMap(({ wrongs }) => wrongs)).toEqual([])
  }
}

export function pausedServer(): Server {
  return createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
}

export function addressOf(server: Server): UpstreamAddress {
  const { port } = server.address() as AddressInfo
  return { host: '127.0.0.1', port }
}

/** Long enough for what is on its way within one machine to be heard, were it not held back. */
export async function turns(count = 10): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

/** Sends until the kernel takes no more; the answer is how much was sent. */
export function fill(recorder: Recorder, chunk: Buffer): number {
  let sent = chunk.length
  while (recorder.send(chunk)) sent += chunk.length
  return sent
}
