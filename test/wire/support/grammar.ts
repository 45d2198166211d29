/** HTTP/1.1 messages in their canonical form and no other: stricter than any RFC asks. */

/** Name in lower case, value without the blanks around it. */
export type Header = readonly [name: string, value: string]

export type Reading<T> =
  | { readonly kind: 'read'; readonly value: T; readonly end: number }
  | { readonly kind: 'partial' }
  | { readonly kind: 'dirty'; readonly why: string }

export interface Head {
  readonly start: string
  readonly headers: readonly Header[]
}

export interface ChunkedBody {
  readonly body: string
  readonly trailers: readonly Header[]
}

const LINE_LIMIT = 160
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const CHUNK_LINE = /^[0-9A-Fa-f]{1,8}$/

export function readHead(text: string, from: number): Reading<Head> {
  const end = text.indexOf('\r\n\r\n', from)
  const head = text.slice(from, end === -1 ? undefined : end)
  if (/(?:^|[^\r])\n/.test(head)) return dirty('a bare LF in the head', head)
  if (/\r(?!\n|$)/.test(head)) return dirty('a bare CR in the head', head)
  if (end === -1) return { kind: 'partial' }
  const [start = '', ...lines] = head.split('\r\n')
  const headers: Header[] = []
  for (const line of lines) {
    const header = readHeader(line)
    if (header === undefined) return dirty('no header line', line)
    headers.push(header)
  }
  return { kind: 'read', value: { start, headers }, end: end + 4 }
}

export function valuesIn(headers: readonly Header[], name: string): readonly string[] {
  return headers.filter(([key]) => key === name).map(([, value]) => value)
}

/** What the framing headers say; a sentence when they do not say one thing. */
export function framingOf(headers: readonly Header[]): number | 'chunked' | 'none' | Framed {
  const lengths = valuesIn(headers, 'content-length')
  const codings = valuesIn(headers, 'transfer-encoding')
  if (lengths.length + codings.length > 1) return { why: 'more than one framing header' }
  const [length] = lengths
  const [coding] = codings
  if (coding !== undefined) {
    return coding.toLowerCase() === 'chunked' ? 'chunked' : { why: `the coding "${coding}"` }
  }
  if (length === undefined) return 'none'
  return /^(0|[1-9]\d{0,15})$/.test(length) ? Number(length) : { why: `the length "${length}"` }
}

interface Framed {
  readonly why: string
}

/** Chunks as the canon has them: hexadecimal lines without extensions. */
export function readChunked(text: string, from: number): Reading<ChunkedBody> {
  const pieces: string[] = []
  for (let at = from; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return /^[0-9A-Fa-f]{0,8}\r?$/.test(text.slice(at)) ? PARTIAL : badLine()
    const line = text.slice(at, lineEnd)
    if (!CHUNK_LINE.test(line)) return badLine()
    const size = Number.parseInt(line, 16)
    at = lineEnd + 2
    if (size === 0) return readTrailers(text, at, pieces.join(''))
    const dataEnd = at + size
    if (text.length < dataEnd + 2) return PARTIAL
    if (!text.startsWith('\r\n', dataEnd)) return dirty('chunk data without its CRLF', line)
    pieces.push(text.slice(at, dataEnd))
    at = dataEnd + 2

    function badLine(): Reading<ChunkedBody> {
      return dirty('no chunk line', text.slice(at, at + LINE_LIMIT))
    }
  }
}

function readTrailers(text: string, from: number, body: string): Reading<ChunkedBody> {
  const trailers: Header[] = []
  for (let at = from; ; ) {
    const lineEnd = text.indexOf('\r\n', at)
    if (lineEnd === -1) return PARTIAL
    const line = text.slice(at, lineEnd)
    at = lineEnd + 2
    if (line === '') return { kind: 'read', value: { body, trailers }, end: at }
    const trailer = readHeader(line)
    if (trailer === undefined) return dirty('no trailer line', line)
    trailers.push(trailer)
  }
}

function readHeader(line: string): Header | undefined {
  const colon = line.indexOf(':')
  const name = line.slice(0, colon)
  const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
  if (colon <= 0 || !TOKEN.test(name) || hasControl(value)) return undefined
  return [name.toLowerCase(), value]
}

export function hasControl(value: string): boolean {
  for (let at = 0; at < value.length; at += 1) {
    const code = value.charCodeAt(at)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f) return true
  }
  return false
}

const PARTIAL = { kind: 'partial' } as const

export function dirty(
  what: string,
  text: string,
): { readonly kind: 'dirty'; readonly why: string } {
  return { kind: 'dirty', why: `${what}: ${JSON.stringify(text.slice(0, LINE_LIMIT))}` }
}
