import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { after } from '../../../shared/clock.ts'
import type { Transports, UpstreamAddress } from '../transport.ts'
import { Pattern, Probe } from './probe.ts'

const HOST = '127.0.0.1'

/** Both ends of a connection within this program: the near one was opened, the far one accepted. */
export interface Pair {
  readonly near: Probe
  readonly far: Probe
}

/** A server on this machine's own interface, and the connections that a check opens to it. */
export class Loopback {
  readonly pattern = new Pattern()
  readonly #transports: Transports
  readonly #server = createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true })
  readonly #open: { destroy(): void }[] = []

  constructor(transports: Transports) {
    this.#transports = transports
  }

  async listen(): Promise<void> {
    this.#server.listen(0, HOST)
    await once(this.#server, 'listening')
  }

  async pair(): Promise<Pair> {
    const accepted = this.#accepted()
    const near = this.#opened()
    const far = this.#taken(await accepted)
    await near.until(() => near.isOpen || near.isClosed)
    if (!near.isOpen) throw new Error(`the connection failed: ${near.reason}`)
    return { near, far }
  }

  /** The accepted end alone; the other one is a socket as anyone has it. */
  async farOnly(): Promise<{ readonly far: Probe; readonly peer: Socket }> {
    const accepted = this.#accepted()
    const peer = connect({ ...this.#address(), allowHalfOpen: true })
    this.#open.push(peer)
    await once(peer, 'connect')
    return { far: this.#taken(await accepted), peer }
  }

  /** The opened end alone; the other one is a socket as anyone has it. */
  async nearOnly(): Promise<{ readonly near: Probe; readonly peer: Socket }> {
    const accepted = this.#accepted()
    const near = this.#opened()
    const peer = await accepted
    this.#open.push(peer)
    await near.until(() => near.isOpen || near.isClosed)
    return { near, peer }
  }

  /** Ends all that is open; says whether the server saw each connection go. */
  async close(withinMs: number): Promise<boolean> {
    for (const end of this.#open) end.destroy()
    // One that does not see them go must not keep the program alive.
    this.#server.unref()
    const closed = new Promise<true>((resolve) => this.#server.close(() => resolve(true)))
    let cancel = (): void => undefined
    const late = new Promise<false>((resolve) => {
      cancel = after(withinMs, () => resolve(false))
    })
    const inTime = await Promise.race([closed, late])
    cancel()
    return inTime
  }

  #address(): UpstreamAddress {
    const address = this.#server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return { host: HOST, port: address.port }
  }

  #accepted(): Promise<Socket> {
    return new Promise((resolve) => this.#server.once('connection', resolve))
  }

  #opened(): Probe {
    const near = new Probe(this.pattern)
    near.transport = this.#transports.connect(this.#address(), near)
    this.#open.push(near.transport)
    return near
  }

  #taken(socket: Socket): Probe {
    const far = new Probe(this.pattern)
    this.#open.push(socket)
    far.transport = this.#transports.accept(socket, far)
    this.#open.push(far.transport)
    return far
  }
}
