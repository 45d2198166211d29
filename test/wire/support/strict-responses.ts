import { dirty, framingOf, type Header, type Reading, readChunked, readHead } from './grammar.ts'

/** An answer as it reached a client. */
export interface StrictResponse {
  readonly version: string
  readonly status: number
  readonly headers: readonly Header[]
  readonly body: string
  readonly trailers: readonly Header[]
  readonly framing: 'length' | 'chunked' | 'none' | 'close'
}

export interface Heard {
  readonly interim: readonly StrictResponse[]
  readonly answers: readonly StrictResponse[]
  /** The head of one more answer came, but not all of its body. */
  readonly begun: StrictResponse | undefined
  /** What came after a 101. */
  readonly tunnelled: string
  /** Bytes after the last whole answer that make no head. */
  readonly rest: string
  readonly dirty: string | undefined
}

const STATUS_LINE = /^HTTP\/(1\.[01]) ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/

/** Everything a client heard, for the methods it asked with, in their order. */
export function readResponses(text: string, methods: readonly string[], closed: boolean): Heard {
  const interim: StrictResponse[] = []
  const answers: StrictResponse[] = []
  const heard = { interim, answers, begun: undefined, tunnelled: '', rest: '', dirty: undefined }
  for (let at = 0; at < text.length; ) {
    const read = readResponse(text, at, methods[answers.length] ?? 'GET')
    if (read.kind === 'dirty') return { ...heard, dirty: read.why }
    if (read.kind === 'partial') return { ...heard, rest: text.slice(at) }
    const { response, whole } = read.value
    if (response.framing === 'close') {
      if (closed) answers.push(response)
      return closed ? heard : { ...heard, begun: response }
    }
    if (!whole) return { ...heard, begun: response }
    at = read.end
    if (response.status === 101) {
      answers.push(response)
      return { ...heard, tunnelled: text.slice(at) }
    }
    if (response.status < 200) interim.push(response)
    else answers.push(response)
  }
  return heard
}

interface Answer {
  readonly response: StrictResponse
  readonly whole: boolean
}

function readResponse(text: string, from: number, method: string): Reading<Answer> {
  const read = readHead(text, from)
  if (read.kind !== 'read') return read
  const { start, headers } = read.value
  const [, version, digits] = STATUS_LINE.exec(start) ?? []
  if (version === undefined) return dirty('no status line', start)
  const status = Number(digits)
  const framing = framingOf(headers)
  if (typeof framing === 'object') return dirty(framing.why, start)
  const response = { version, status, headers, trailers: [] }
  const bodiless = method === 'HEAD' || status < 200 || status === 204 || status === 304
  if (bodiless) {
    return answer({ ...response, body: '', framing: 'none' }, true, read.end)
  }
  if (framing === 'none') {
    return answer({ ...response, body: text.slice(read.end), framing: 'close' }, true, text.length)
  }
  if (framing === 'chunked') {
    const body = readChunked(text, read.end)
    if (body.kind === 'dirty') return body
    if (body.kind === 'read') {
      return answer({ ...response, ...body.value, framing }, true, body.end)
    }
    return answer({ ...response, body: '', framing }, false, text.length)
  }
  const end = read.end + framing
  const body = text.slice(read.end, end)
  return answer({ ...response, body, framing: 'length' }, text.length >= end, end)
}

function answer(response: StrictResponse, whole: boolean, end: number): Reading<Answer> {
  return { kind: 'read', value: { response, whole }, end }
}
