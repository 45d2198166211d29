/** What one path of the API is: declared once, in a table that a test walks. */
import type { StreamSocket } from '../../shared/stream-socket.ts'
import type { Caller, Role } from '../surface.ts'

export type Method = 'get' | 'post' | 'put' | 'delete'

/** Under overload the first in this order is served longest. */
export type Kind = 'report' | 'news' | 'write' | 'read' | 'stream'

/** What a request says, without the machinery that carried it. */
export interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
  readonly caller: Caller
  /** Aborts when the client goes away or the master ends. */
  readonly signal: AbortSignal
}

export type Answer =
  | { readonly kind: 'json'; readonly status: number; readonly body: unknown }
  | { readonly kind: 'text'; readonly type: string; readonly text: string }
  | { readonly kind: 'empty' }
  | { readonly kind: 'events'; readonly chunks: AsyncIterable<string> }
  /** JSON, a value on each line; one text may hold several. */
  | { readonly kind: 'lines'; readonly lines: AsyncIterable<string> }

export interface Route {
  readonly method: Method
  /** With `:name` for each parameter. */
  readonly path: string
  /** Who may call it; admin always may, anybody else only when named. */
  readonly roles: readonly Role[]
  /** Which node or proxy the call is about: these roles may touch only their own. */
  readonly subject?: (call: Call) => string | undefined
  readonly kind: Kind | ((headers: Call['headers']) => Kind)
  /** The largest body; undefined: it takes none. */
  readonly bodyBytesMax?: number
  handle(call: Call): Promise<Answer> | Answer
  /**
   * A request for a WebSocket comes here: what it throws is a refusal, what it answers serves the
   * socket. Without it, the path is none.
   */
  upgrade?(call: Call): (socket: StreamSocket) => Promise<void> | void
}

export function json(body: unknown, status = 200): Answer {
  return { kind: 'json', status, body }
}

export const EMPTY: Answer = { kind: 'empty' }

/** Wires of workers and proxies may be longer than what people write. */
export const WIRE_BYTES_MAX = 1_048_576
export const SPEC_BYTES_MAX = 262_144

/** Who acted, as the log of changes names it. */
export function actorOf({ role, subject, address }: Caller): string {
  return `${role} ${subject ?? `at ${address}`}`
}
