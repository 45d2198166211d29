import { cannotListen, type ListenOn } from './listening.ts'
import {
  parseToCarrier,
  type SocketWish,
  type ToCarrier,
  type ToParent,
} from './parent/messages.ts'

type Heard<K extends ToCarrier['kind']> = Extract<ToCarrier, { kind: K }>

export interface LineEars {
  /** Whatever nobody waits for. */
  message(message: ToCarrier): void
  /** The parent is gone. */
  lost(): void
}

/** The carrier's end of the line to its parent. */
export class ParentLine {
  #ears: LineEars = { message: () => undefined, lost: () => process.exit(1) }
  readonly #waiting = new Map<string, (message: ToCarrier, handle: unknown) => void>()

  constructor() {
    process.on('message', (raw, handle) => this.#take(raw, handle))
    process.on('disconnect', () => this.#ears.lost())
  }

  get isConnected(): boolean {
    return process.connected
  }

  hear(ears: LineEars): void {
    this.#ears = ears
  }

  /** Resolves when it has gone out, or never can. */
  send(message: ToParent): Promise<void> {
    return new Promise((resolve) => {
      if (!process.connected || process.send === undefined) resolve()
      else process.send(message, undefined, {}, () => resolve())
    })
  }

  /** The next message of that kind. */
  next<K extends ToCarrier['kind']>(kind: K): Promise<Heard<K>> {
    return new Promise((resolve) => {
      this.#waiting.set(kind, (message) => {
        if (isOf(message, kind)) resolve(message)
      })
    })
  }

  /** Asks the parent for a listening socket; rejects with why there is none. */
  bind(wish: SocketWish): Promise<ListenOn> {
    const { name, host, port } = wish
    const answered = new Promise<ListenOn>((resolve, reject) => {
      this.#waiting.set(name, (message, handle) => {
        const held = typeof handle === 'object' && handle !== null
        if (message.kind === 'bound' && held) resolve({ host, port: message.port, handle })
        else if (message.kind === 'unheld') resolve({ host, port })
        else
          reject(cannotListen(wish, message.kind === 'unbound' ? message.code : 'no socket came'))
      })
    })
    void this.send({ kind: 'bind', ...wish })
    return answered
  }

  #take(raw: unknown, handle: unknown): void {
    const message = parseToCarrier(raw)
    if (message === undefined) return
    const key = 'name' in message ? message.name : message.kind
    const waiting = this.#waiting.get(key)
    this.#waiting.delete(key)
    if (waiting === undefined) this.#ears.message(message)
    else waiting(message, handle)
  }
}

function isOf<K extends ToCarrier['kind']>(message: ToCarrier, kind: K): message is Heard<K> {
  return message.kind === kind
}
