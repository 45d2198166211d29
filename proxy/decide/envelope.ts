import { RequestError } from '../../shared/errors.ts'
import { isHopByHop, isOurs } from './headers.ts'

/** A request inside a request: `POST /proxy` names a service and says what to ask it. */
export interface Envelope {
  readonly name: string
  readonly method: Method
  /** Path and query. */
  readonly target: string
  readonly headers: readonly string[]
  /** A JSON text. */
  readonly body?: string
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS'] as const
type Method = (typeof METHODS)[number]

const HEADERS_MAX = 100
const DEPTH_MAX = 64
const TARGET_MAX = 8_192

/** Reads the JSON text of an envelope; throws the sentence that says what is wrong with it. */
export function parseEnvelope(text: string): Envelope {
  const fields = fieldsOf(jsonOf(text))
  const name = nameOf(fields.get('name'))
  const method = methodOf(fields.get('method') ?? 'GET')
  const path = pathOf(fields.get('path') ?? '/')
  const headers = headersOf(fields.get('headers') ?? {})
  const payload = fields.get('payload')
  if (method === 'GET' || method === 'HEAD') {
    return { name, method, target: withQuery(path, payload ?? {}), headers }
  }
  const body = bodyOf(method, payload)
  if (body === undefined) return { name, method, target: path, headers }
  return { name, method, target: path, headers: typed(headers), body }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw bad('the body is not JSON', cause)
  }
}

function fieldsOf(value: unknown): ReadonlyMap<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw bad('the body is not a JSON object')
  }
  return new Map(Object.entries(value))
}

function nameOf(value: unknown): string {
  if (value === undefined || value === null || value === '') throw bad('"name" is missing')
  if (typeof value !== 'string') throw bad('"name" is not a text')
  return value
}

function methodOf(value: unknown): Method {
  const upper = typeof value === 'string' ? value.toUpperCase() : ''
  const method = METHODS.find((known) => known === upper)
  if (method !== undefined) return method
  throw bad(`the method is not one of ${METHODS.join(', ')}`)
}

/** A path on the replica and nothing else: no scheme, no host, nothing that could become one. */
function pathOf(value: unknown): string {
  if (typeof value !== 'string' || !value.startsWith('/')) throw bad('"path" does not start with /')
  if (value.startsWith('//')) throw bad('"path" starts with //, which would name a host')
  if (value.length > TARGET_MAX) throw bad(`"path" is longer than ${TARGET_MAX} characters`)
  if (!/^[\x21-\x7e]+$/.test(value) || /[\\#]/.test(value)) {
    throw bad('"path" has a character that does not belong in a path')
  }
  return value
}

function headersOf(value: unknown): string[] {
  const entries = [...fieldsOf(value)]
  if (entries.length > HEADERS_MAX) throw bad(`there are more than ${HEADERS_MAX} headers`)
  const headers: string[] = []
  for (const [name, raw] of entries) {
    const text = scalar(raw, `the header "${shown(name)}"`)
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) throw bad(`"${shown(name)}" is no header name`)
    if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) {
      throw bad(`the value of "${name}" has a character that no header may have`)
    }
    if (isForwarded(name)) headers.push(name, text)
  }
  return headers
}

function isForwarded(name: string): boolean {
  const lower = name.toLowerCase()
  const framing = lower === 'host' || lower === 'content-length' || lower === 'expect'
  return !framing && !isHopByHop(lower) && !isOurs(lower)
}

function withQuery(path: string, payload: unknown): string {
  const query = [...fieldsOf(payload)].flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((item) => item !== null)
      .map((item) => `${encoded(key)}=${encoded(scalar(item, `"${shown(key)}" in the payload`))}`),
  )
  if (query.length === 0) return path
  return `${path}${path.includes('?') ? '&' : '?'}${query.join('&')}`
}

function bodyOf(method: Method, payload: unknown): string | undefined {
  const optional = method === 'DELETE' || method === 'OPTIONS'
  if (payload === undefined && optional) return undefined
  if (depthOf(payload) > DEPTH_MAX) throw bad(`the payload is nested deeper than ${DEPTH_MAX}`)
  return JSON.stringify(payload ?? {})
}

function typed(headers: string[]): string[] {
  const given = headers.some((text, at) => at % 2 === 0 && text.toLowerCase() === 'content-type')
  return given ? headers : [...headers, 'Content-Type', 'application/json']
}

function scalar(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  throw bad(`${what} is neither a text nor a number`)
}

function encoded(text: string): string {
  // Half of a surrogate pair has no encoding.
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))
}

/** Level by level rather than by recursion: the nesting is what may be hostile. */
function depthOf(value: unknown): number {
  let level: unknown[] = [value]
  let depth = 0
  while (depth <= DEPTH_MAX && level.length > 0) {
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? Object.values(item) : [],
    )
    depth += 1
  }
  return depth
}

function shown(name: string): string {
  return name.slice(0, 40).replace(/[^\x20-\x7e]/g, '?')
}

function bad(state: string, cause?: unknown): RequestError {
  const error = new RequestError(400, 'BAD_ENVELOPE', `Cannot forward the request: ${state}`)
  if (cause !== undefined) error.cause = cause
  return error
}
