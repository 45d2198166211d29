import { textOf } from '../../../../proxy/http1/parsing/bytes.ts'
import { parseRequestHead, RequestHead } from '../../../../proxy/http1/parsing/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../../../proxy/http1/parsing/response-head.ts'

export const LIMITS = { headerBytesMax: 16_384, headersMax: 200 }

/** What became of a head: where it ends, 0 while more is needed, minus the status of a refusal. */
export function verdictOn(text: string, limits = LIMITS): number {
  const bytes = Buffer.from(text, 'latin1')
  return parseRequestHead(bytes, 0, bytes.length, new RequestHead(), limits)
}

/** An accepted head, and the bytes that its positions are of. */
export function accepted(text: string): { readonly head: RequestHead; readonly bytes: Buffer } {
  const bytes = Buffer.from(text, 'latin1')
  const head = new RequestHead()
  const end = parseRequestHead(bytes, 0, bytes.length, head, LIMITS)
  if (end <= 0) throw new Error(`Cannot read ${JSON.stringify(text)}: it says ${end}`)
  return { head, bytes }
}

/** `GET / HTTP/1.1` with a Host and these lines. */
export function get(...lines: readonly string[]): string {
  return message('GET / HTTP/1.1', 'Host: a', ...lines)
}

export function post(...lines: readonly string[]): string {
  return message('POST / HTTP/1.1', 'Host: a', ...lines)
}

export function message(...lines: readonly string[]): string {
  return `${lines.join('\r\n')}\r\n\r\n`
}

export function answer(...lines: readonly string[]): string {
  return message('HTTP/1.1 200 OK', ...lines)
}

export function verdictOnAnswer(text: string, limits = LIMITS): number {
  const bytes = Buffer.from(text, 'latin1')
  return parseResponseHead(bytes, 0, bytes.length, new ResponseHead(), limits)
}

export function acceptedAnswer(text: string): ResponseHead {
  const bytes = Buffer.from(text, 'latin1')
  const head = new ResponseHead()
  const end = parseResponseHead(bytes, 0, bytes.length, head, LIMITS)
  if (end <= 0) throw new Error(`Cannot read ${JSON.stringify(text)}: it says ${end}`)
  return head
}

/** Names and values, as the positions say. */
export function linesOf({ count, fields }: RequestHead | ResponseHead, bytes: Buffer): string[] {
  return Array.from({ length: 2 * count }, (_, at) =>
    textOf(bytes, fields[2 * at] ?? 0, fields[2 * at + 1] ?? 0),
  )
}

/** Everything that a head says, to compare two readings. */
export function summary(head: RequestHead): object {
  const { method, minor, end, count, contentLength, chunked, keepAlive } = head
  const { targetFrom, targetTo, authorityFrom, authorityTo, pathFrom, hostFrom, hostTo } = head
  const { hasConnectionNames, expectsContinue, upgradesToWebSocket } = head
  return {
    ...{ method, minor, end, count, contentLength, chunked, keepAlive },
    ...{ targetFrom, targetTo, authorityFrom, authorityTo, pathFrom, hostFrom, hostTo },
    ...{ hasConnectionNames, expectsContinue, upgradesToWebSocket },
    fields: [...head.fields.subarray(0, 4 * count)],
    kinds: [...head.kinds.subarray(0, count)],
  }
}
