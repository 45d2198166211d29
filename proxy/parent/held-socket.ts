import { lookup } from 'node:dns/promises'
import * as net from 'node:net'
import { getSystemErrorName } from 'node:util'

/** A socket that is bound here, and listened on by whoever it is handed to. */
export interface HeldSocket {
  readonly handle: Handle
  readonly port: number
}

/** What of node's own handle is needed. */
export interface Handle {
  getsockname(out: { port?: number }): number
  close(): void
}

export type Held =
  | { readonly kind: 'held'; readonly socket: HeldSocket }
  | { readonly kind: 'failed'; readonly code: string }
  /** Sockets cannot be held on this Node. */
  | { readonly kind: 'unheld' }

export type Hold = (host: string, port: number) => Promise<Held>

/**
 * Binds without accepting. A net.Server would accept what it cannot serve; node's cluster module
 * uses the same function for sockets that it shares.
 */
export const holdSocket: Hold = async (host, port) => {
  const create: unknown = Reflect.get(net, '_createServerHandle')
  if (typeof create !== 'function') return { kind: 'unheld' }
  const address = await addressOf(host)
  if (address === undefined) return { kind: 'failed', code: 'ENOTFOUND' }
  const handle = attempt(() => create(address, port, net.isIPv6(address) ? 6 : 4, -1))
  if (typeof handle === 'number') return { kind: 'failed', code: getSystemErrorName(handle) }
  return isHandle(handle) ? named(handle) : { kind: 'unheld' }
}

/** It belongs to node itself: what it does not like today may be refused by the next version. */
function attempt(create: () => unknown): unknown {
  try {
    return create()
  } catch {
    return undefined
  }
}

/** A port that is in use is told with the name of the socket, not when it is bound. */
function named(handle: Handle): Held {
  const name: { port?: number } = {}
  const error = handle.getsockname(name)
  if (error === 0 && name.port !== undefined) {
    return { kind: 'held', socket: { handle, port: name.port } }
  }
  handle.close()
  return { kind: 'failed', code: error === 0 ? 'EINVAL' : getSystemErrorName(error) }
}

async function addressOf(host: string): Promise<string | undefined> {
  if (net.isIP(host) !== 0) return host
  try {
    return (await lookup(host)).address
  } catch {
    // Whatever the resolver's reason, there is no such address to listen on.
    return undefined
  }
}

function isHandle(value: unknown): value is Handle {
  if (typeof value !== 'object' || value === null) return false
  return ['getsockname', 'close'].every((name) => typeof Reflect.get(value, name) === 'function')
}
