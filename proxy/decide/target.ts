/** Where a request was sent to by its client: the host it names and the path it asks for. */
export interface Asked {
  readonly host: string
  /** Path and query, as sent. */
  readonly target: string
}

const HOST = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/
const ABSOLUTE = /^http:\/\/([^/?#]*)(.*)$/i

/**
 * Reads the request target and the Host header; undefined when they cannot be trusted to mean one
 * thing. An absolute target's host wins over the header (RFC 9112, section 3.2.2).
 */
export function askedOf(target: string, hosts: readonly string[]): Asked | undefined {
  if (hosts.length > 1 || target.includes('#')) return undefined
  const host = hosts[0] ?? ''
  if (host !== '' && !HOST.test(host)) return undefined
  if (target.startsWith('/')) return { host, target }
  const absolute = ABSOLUTE.exec(target)
  const [, named = '', rest = ''] = absolute ?? []
  if (!HOST.test(named)) return undefined
  return { host: named, target: rest.startsWith('/') ? rest : `/${rest}` }
}
