import { type HeldSocket, type Hold, holdSocket } from './held-socket.ts'
import type { SocketWish } from './messages.ts'

export type Granted =
  | { readonly kind: 'held'; readonly socket: HeldSocket }
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'unheld' }

interface Entry {
  readonly granted: Promise<Granted>
  /** The carriers that were given it. */
  readonly users: Set<string>
}

/** How many ports are tried where the next free one does as well. */
const SEARCH_MAX = 100

/** The listening sockets: bound once, kept for as long as anybody may serve from them. */
export class Sockets {
  readonly #entries = new Map<string, Entry>()
  readonly #hold: Hold
  /** One port after the other: two that search must not find the same. */
  #searching: Promise<unknown> = Promise.resolve()
  readonly #taken = new Set<number>()

  constructor(hold: Hold = holdSocket) {
    this.#hold = hold
  }

  /** The socket for that wish, the same for all who have it. */
  async grant(wish: SocketWish, user: string): Promise<Granted> {
    const key = `${wish.name} ${wish.host} ${wish.port}`
    const entry = this.#entries.get(key) ?? { granted: this.#open(wish), users: new Set() }
    this.#entries.set(key, entry)
    entry.users.add(user)
    const granted = await entry.granted
    // What could not be bound may be free at the next try.
    if (granted.kind !== 'held') this.#entries.delete(key)
    return granted
  }

  forget(user: string): void {
    for (const { users } of this.#entries.values()) users.delete(user)
  }

  /** Closes what nobody uses any more: the old place of something that has moved. */
  async sweep(): Promise<void> {
    for (const [key, { granted, users }] of this.#entries) {
      if (users.size > 0) continue
      this.#entries.delete(key)
      this.#close(await granted)
    }
  }

  #open(wish: SocketWish): Promise<Granted> {
    const opened = this.#searching.then(() => this.#search(wish))
    this.#searching = opened
    return opened
  }

  async #search({ host, port, search }: SocketWish): Promise<Granted> {
    const last = search && port > 0 ? Math.min(65_535, port + SEARCH_MAX) : port
    for (let at = port; ; at += 1) {
      // Two sockets that nobody listens on yet may be bound to one port.
      const own = search && at > 0 && this.#taken.has(at)
      const held = own ? IN_USE : await this.#hold(host, at)
      if (held.kind === 'held') this.#taken.add(held.socket.port)
      const again = held.kind === 'failed' && held.code === IN_USE.code && at < last
      if (!again) return held
    }
  }

  #close(granted: Granted): void {
    if (granted.kind !== 'held') return
    this.#taken.delete(granted.socket.port)
    granted.socket.handle.close()
  }
}

const IN_USE = { kind: 'failed', code: 'EADDRINUSE' } as const
