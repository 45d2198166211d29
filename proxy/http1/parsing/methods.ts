import { TOKEN } from './bytes.ts'

/** Of what llhttp knows too: what only one of both knows could be read in two ways. */
const METHODS = [
  ...['GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE', 'QUERY'],
  ...['PROPFIND', 'PROPPATCH', 'MKCOL', 'COPY', 'MOVE', 'LOCK', 'UNLOCK', 'SEARCH', 'REPORT'],
  ...['BIND', 'REBIND', 'UNBIND', 'ACL', 'MKACTIVITY', 'CHECKOUT', 'MERGE', 'MKCALENDAR'],
  ...['LINK', 'UNLINK', 'PURGE', 'SOURCE', 'M-SEARCH', 'NOTIFY', 'SUBSCRIBE', 'UNSUBSCRIBE'],
]

const LENGTH_MAX = Math.max(...METHODS.map(({ length }) => length))

const BY_LENGTH: readonly (readonly string[])[] = Array.from({ length: LENGTH_MAX + 1 }, (_, at) =>
  METHODS.filter(({ length }) => length === at),
)

/** The method that bytes[from, to) spell, always as the same string; undefined: not implemented. */
export function methodOf(bytes: Buffer, from: number, to: number): string | undefined {
  const methods = BY_LENGTH[to - from]
  if (methods === undefined) return undefined
  for (let at = 0; at < methods.length; at += 1) {
    const method = methods[at] ?? ''
    if (spells(bytes, from, method)) return method
  }
  return undefined
}

/** A tunnel, an echo of what is secret, or an upload that never ends: not through this proxy. */
export function isRefused(method: string): boolean {
  return method === 'CONNECT' || method === 'TRACE' || method === 'SOURCE'
}

/** Where a method ends; longer ones than any that is known are not read to their end. */
export function endOfMethod(bytes: Buffer, from: number, to: number): number {
  const most = Math.min(to, from + LENGTH_MAX + 1)
  let at = from
  while (at < most && TOKEN[bytes[at] ?? 0] !== 0) at += 1
  return at
}

function spells(bytes: Buffer, from: number, method: string): boolean {
  for (let at = 0; at < method.length; at += 1) {
    if (bytes[from + at] !== method.charCodeAt(at)) return false
  }
  return true
}

const IDEMPOTENT = new Set(['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS'])

/** Whether asking twice does no more than asking once (RFC 9110, section 9.2.2). */
export function isIdempotent(method: string): boolean {
  return IDEMPOTENT.has(method)
}
