/** Header lists in the order they came: name, value, name, value. */
export type RawHeaders = readonly string[]

const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Set by the proxy alone: what a client says here would be believed by the application. */
const OURS = new Set(['forwarded', 'x-real-ip'])
const OURS_PREFIX = 'x-forwarded-'

/** Framing and identity of the message stay, whatever `Connection` lists. */
const NEVER_NAMED = new Set(['host', 'content-length', 'cache-control', 'authorization'])

const TRAILERS_REFUSED = new Set(['content-length', 'content-encoding', 'content-type', 'host'])

export function valuesOf(headers: RawHeaders, name: string): readonly string[] {
  const values: string[] = []
  for (const [key, value] of pairs(headers)) if (key.toLowerCase() === name) values.push(value)
  return values
}

/** What is passed on in either direction: nothing that concerns one connection alone. */
export function endToEnd(headers: RawHeaders): string[] {
  const named = namedByConnection(headers)
  return filtered(headers, (name) => !HOP_BY_HOP.has(name) && !named.has(name))
}

/** What is passed on of a request: also nothing that only the proxy may say. */
export function fromClient(headers: RawHeaders): string[] {
  return filtered(endToEnd(headers), (name) => !isOurs(name) && name !== 'expect')
}

/** Trailers that cannot change how the message they follow is read. */
export function safeTrailers(trailers: RawHeaders): [string, string][] {
  return pairs(endToEnd(trailers)).filter(([name]) => {
    const lower = name.toLowerCase()
    return !TRAILERS_REFUSED.has(lower) && !isOurs(lower)
  })
}

export function without(headers: RawHeaders, ...names: readonly string[]): string[] {
  return filtered(headers, (name) => !names.includes(name))
}

/** Some applications read `X_Forwarded_For` as the same header, so both spellings are ours. */
export function isOurs(name: string): boolean {
  const dashed = name.toLowerCase().replaceAll('_', '-')
  return OURS.has(dashed) || dashed.startsWith(OURS_PREFIX)
}

export function isHopByHop(name: string): boolean {
  return HOP_BY_HOP.has(name.toLowerCase())
}

function namedByConnection(headers: RawHeaders): ReadonlySet<string> {
  const listed = valuesOf(headers, 'connection').flatMap((value) => value.split(','))
  const names = listed.map((name) => name.trim().toLowerCase())
  return new Set(names.filter((name) => !NEVER_NAMED.has(name)))
}

function filtered(headers: RawHeaders, keep: (name: string) => boolean): string[] {
  const kept: string[] = []
  for (const [name, value] of pairs(headers)) if (keep(name.toLowerCase())) kept.push(name, value)
  return kept
}

function pairs(headers: RawHeaders): [string, string][] {
  const found: [string, string][] = []
  for (let at = 0; at + 1 < headers.length; at += 2) {
    found.push([headers[at] ?? '', headers[at + 1] ?? ''])
  }
  return found
}
