import { isWord, TOKEN } from './bytes.ts'

/** The header names that this proxy treats in a way of their own, as small numbers. */
export const KNOWN = {
  other: 0,
  // Of one connection alone; never passed on as they came.
  connection: 1,
  keepAlive: 2,
  proxyConnection: 3,
  proxyAuthenticate: 4,
  proxyAuthorization: 5,
  te: 6,
  trailer: 7,
  transferEncoding: 8,
  upgrade: 9,
  http2Settings: 10,
  /** Scripts read it as the address of their own proxy; no client has a use for it. */
  proxy: 11,
  /** Applications that read underscores as dashes would take it for a name that is not passed on. */
  alias: 12,
  /** Listed by `Connection`. */
  named: 13,
  /** The same of what frames a message. */
  framingAlias: 14,
  // Said of the client by proxies; believed only when they are trusted.
  forwarded: 16,
  forwardedFor: 17,
  forwardedProto: 18,
  forwardedHost: 19,
  forwardedPort: 20,
  forwardedElse: 21,
  realIp: 22,
  // Written or read by this proxy.
  requestId: 32,
  traceparent: 33,
  tracestate: 34,
  via: 35,
  expect: 36,
  host: 37,
  contentLength: 38,
  contentType: 39,
  cacheControl: 40,
  authorization: 41,
  // Special in trailers alone, where they would come too late.
  cookie: 48,
  setCookie: 49,
  contentEncoding: 50,
  contentRange: 51,
  range: 52,
  age: 53,
  date: 54,
  expires: 55,
  location: 56,
  retryAfter: 57,
  vary: 58,
  wwwAuthenticate: 59,
  maxForwards: 60,
  ifMatch: 61,
  ifNoneMatch: 62,
  ifModifiedSince: 63,
  ifUnmodifiedSince: 64,
  ifRange: 65,
} as const

const FORWARDED_PREFIX = 'x-forwarded-'

const NAMES: readonly (readonly [string, number])[] = [
  ['connection', KNOWN.connection],
  ['keep-alive', KNOWN.keepAlive],
  ['proxy-connection', KNOWN.proxyConnection],
  ['proxy-authenticate', KNOWN.proxyAuthenticate],
  ['proxy-authorization', KNOWN.proxyAuthorization],
  ['te', KNOWN.te],
  ['trailer', KNOWN.trailer],
  ['transfer-encoding', KNOWN.transferEncoding],
  ['upgrade', KNOWN.upgrade],
  ['http2-settings', KNOWN.http2Settings],
  ['proxy', KNOWN.proxy],
  ['forwarded', KNOWN.forwarded],
  ['x-real-ip', KNOWN.realIp],
  ['x-request-id', KNOWN.requestId],
  ['traceparent', KNOWN.traceparent],
  ['tracestate', KNOWN.tracestate],
  ['via', KNOWN.via],
  ['expect', KNOWN.expect],
  ['host', KNOWN.host],
  ['content-length', KNOWN.contentLength],
  ['content-type', KNOWN.contentType],
  ['cache-control', KNOWN.cacheControl],
  ['authorization', KNOWN.authorization],
  ['cookie', KNOWN.cookie],
  ['set-cookie', KNOWN.setCookie],
  ['content-encoding', KNOWN.contentEncoding],
  ['content-range', KNOWN.contentRange],
  ['range', KNOWN.range],
  ['age', KNOWN.age],
  ['date', KNOWN.date],
  ['expires', KNOWN.expires],
  ['location', KNOWN.location],
  ['retry-after', KNOWN.retryAfter],
  ['vary', KNOWN.vary],
  ['www-authenticate', KNOWN.wwwAuthenticate],
  ['max-forwards', KNOWN.maxForwards],
  ['if-match', KNOWN.ifMatch],
  ['if-none-match', KNOWN.ifNoneMatch],
  ['if-modified-since', KNOWN.ifModifiedSince],
  ['if-unmodified-since', KNOWN.ifUnmodifiedSince],
  ['if-range', KNOWN.ifRange],
]

export function isHopByHop(kind: number): boolean {
  return kind > KNOWN.other && kind <= KNOWN.framingAlias
}

/** Whether it says who the client is: nothing that a client may say of itself. */
export function isOurs(kind: number): boolean {
  return kind >= KNOWN.forwarded && kind <= KNOWN.realIp
}

/** Whether `Connection` may list it: neither what frames, names or protects the message, nor ours. */
export function mayBeNamed(kind: number): boolean {
  if (kind === KNOWN.other) return true
  return kind >= KNOWN.requestId && !KEPT.has(kind)
}

/** Framing, routing and whatever else must be known before the body is read come too late there. */
export function isTrailer(kind: number): boolean {
  return kind === KNOWN.other
}

const KEPT: ReadonlySet<number> = new Set([
  KNOWN.host,
  KNOWN.contentLength,
  KNOWN.cacheControl,
  KNOWN.authorization,
])

/** What a header is called. */
export function kindOf(bytes: Buffer, from: number, to: number): number {
  const name = BUCKETS[bucketOf(to - from, bytes[from] ?? 0, bytes[to - 1] ?? 0)]
  if (name !== undefined && name.text.length === to - from) {
    const spelling = spellingOf(bytes, from, name.text)
    if (spelling !== 'other') return spelling === 'same' ? name.kind : name.aliased
  }
  return to - from > FORWARDED_PREFIX.length ? forwardedKind(bytes, from, to) : KNOWN.other
}

interface Name {
  readonly text: string
  readonly kind: number
  readonly aliased: number
}

const BUCKET_COUNT = 512
const DASH = 45
const UNDERSCORE = 95

/** Found by trial: they put at most one name into each bucket, and few frequent others beside it. */
const SPREAD_FIRST = 10
const SPREAD_LAST = 7

const BUCKETS: readonly (Name | undefined)[] = buckets()

function buckets(): (Name | undefined)[] {
  const found = new Array<Name | undefined>(BUCKET_COUNT).fill(undefined)
  for (const [text, kind] of NAMES) {
    const at = bucketOf(text.length, text.charCodeAt(0), text.charCodeAt(text.length - 1))
    const taken = found[at]
    if (taken !== undefined) throw new Error(`Cannot tell "${text}" from "${taken.text}"`)
    found[at] = { text, kind, aliased: aliasOf(kind) }
  }
  return found
}

function aliasOf(kind: number): number {
  if (kind === KNOWN.contentLength || kind === KNOWN.transferEncoding) return KNOWN.framingAlias
  const hidden = isHopByHop(kind) || isOurs(kind) || kind === KNOWN.requestId
  return hidden ? KNOWN.alias : KNOWN.other
}

function bucketOf(length: number, first: number, last: number): number {
  // The lower five bits of a letter are the same in both cases.
  return (length + (first & 31) * SPREAD_FIRST + (last & 31) * SPREAD_LAST) & (BUCKET_COUNT - 1)
}

function spellingOf(bytes: Buffer, from: number, text: string): 'same' | 'alias' | 'other' {
  let spelling: 'same' | 'alias' = 'same'
  for (let at = 0; at < text.length; at += 1) {
    const byte = TOKEN[bytes[from + at] ?? 0]
    if (byte === text.charCodeAt(at)) continue
    if (byte !== UNDERSCORE || text.charCodeAt(at) !== DASH) return 'other'
    spelling = 'alias'
  }
  return spelling
}

function forwardedKind(bytes: Buffer, from: number, to: number): number {
  // Most headers differ here already.
  const third = bytes[from + 2]
  if (third !== SMALL_F && third !== LARGE_F) return KNOWN.other
  const prefix = spellingOf(bytes, from, FORWARDED_PREFIX)
  if (prefix !== 'same') return prefix === 'alias' ? KNOWN.alias : KNOWN.other
  const suffixFrom = from + FORWARDED_PREFIX.length
  for (const [suffix, kind] of FORWARDED_SUFFIXES) {
    if (isWord(bytes, suffixFrom, to, suffix)) return kind
  }
  return KNOWN.forwardedElse
}

const SMALL_F = 102
const LARGE_F = 70

const FORWARDED_SUFFIXES: readonly (readonly [string, number])[] = [
  ['for', KNOWN.forwardedFor],
  ['proto', KNOWN.forwardedProto],
  ['host', KNOWN.forwardedHost],
  ['port', KNOWN.forwardedPort],
]
