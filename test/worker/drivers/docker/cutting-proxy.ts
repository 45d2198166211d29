/** Stands between a driver and its engine, and loses answers. */
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'

export class CuttingProxy {
  readonly socket: string
  /** Requests whose first line matches are carried out; what they are answered is lost. */
  cut: RegExp | undefined
  cuts = 0
  /** The first line of each request. */
  readonly lines: string[] = []
  /** These reach the engine when they are released, also when nobody waits for them any more. */
  hold: RegExp | undefined
  readonly #held: (() => void)[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(socket: string, engine: string) {
    this.socket = socket
    this.#server = createServer((client) => this.#serve(client, connect(engine)))
  }

  static async open(socket: string, engine: string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(socket, engine)
    proxy.#server.listen(socket)
    await once(proxy.#server, 'listening')
    return proxy
  }

  /** How many of those the engine has answered. */
  carriedOut = 0

  get held(): number {
    return this.#held.length
  }

  release(): void {
    for (const pass of this.#held.splice(0)) pass()
  }

  /** Every connection that stands open breaks. */
  breakAll(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async close(): Promise<void> {
    this.#server.close()
    this.breakAll()
    await rm(this.socket, { force: true })
  }

  #serve(client: Socket, engine: Socket): void {
    let isCut = false
    this.#keep(client, engine)
    client.on('data', (bytes) => {
      const line = bytes.toString('latin1').split('\r\n')[0] ?? ''
      if (/ HTTP\/1\.1$/.test(line)) this.lines.push(line)
      if (this.cut?.test(line) === true) {
        isCut = true
        this.cuts += 1
      }
      if (this.hold?.test(line) !== true) engine.write(bytes)
      else {
        client.removeAllListeners('close').removeAllListeners('end')
        engine.once('data', () => {
          this.carriedOut += 1
        })
        this.#held.push(() => engine.write(bytes))
      }
    })
    engine.on('data', (bytes) => {
      if (isCut) client.destroy()
      else client.write(bytes)
    })
    client.on('end', () => engine.end())
    engine.on('end', () => client.end())
  }

  #keep(...pair: readonly [Socket, Socket]): void {
    const [one, other] = pair
    for (const socket of pair) {
      this.#sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => this.#sockets.delete(socket))
    }
    one.on('close', () => other.destroy())
    other.on('close', () => one.destroy())
  }
}
