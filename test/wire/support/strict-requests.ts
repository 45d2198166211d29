import {
  dirty,
  framingOf,
  type Header,
  type Reading,
  readChunked,
  readHead,
  valuesIn,
} from './grammar.ts'

/** A request as it reached a replica. */
export interface StrictRequest {
  readonly method: string
  readonly target: string
  readonly headers: readonly Header[]
  readonly body: string
  readonly framing: 'length' | 'chunked' | 'none'
  readonly trailers: readonly Header[]
}

const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.1$/

/** One whole request that begins at `from`. */
export function readRequest(text: string, from: number): Reading<StrictRequest> {
  const read = readHead(text, from)
  if (read.kind !== 'read') return read
  const { start, headers } = read.value
  const [, method, target] = REQUEST_LINE.exec(start) ?? []
  if (method === undefined || target === undefined) return dirty('no request line', start)
  if (valuesIn(headers, 'host').length !== 1) return dirty('not one Host', start)
  const framing = framingOf(headers)
  if (typeof framing === 'object') return dirty(framing.why, start)
  const request = { method, target, headers, trailers: [] }
  if (framing === 'none') return whole({ ...request, body: '', framing }, read.end)
  if (framing === 'chunked') {
    const body = readChunked(text, read.end)
    return body.kind === 'read' ? whole({ ...request, ...body.value, framing }, body.end) : body
  }
  const end = read.end + framing
  if (text.length < end) return { kind: 'partial' }
  return whole({ ...request, body: text.slice(read.end, end), framing: 'length' }, end)
}

/** Whether the head of a request is there; what follows may be missing. */
export function hasHead(text: string, from: number): boolean {
  return text.includes('\r\n\r\n', from)
}

function whole(value: StrictRequest, end: number): Reading<StrictRequest> {
  return { kind: 'read', value, end }
}
