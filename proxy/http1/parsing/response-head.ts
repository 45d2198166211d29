import { CR, isBlank, isWord, LF, SPACE, VALUE } from './bytes.ts'
import { UPGRADES } from './connection-options.ts'
import type { FieldSection } from './field-section.ts'
import { type HeadLimits, MessageHead } from './message-head.ts'

/** The head of an answer, as positions in the buffer that it was read from; for use again. */
export class ResponseHead extends MessageHead {
  status = 0
  /** Of what is said of the status; empty when nothing is. */
  reasonFrom = 0
  reasonTo = 0
  isEventStream = false

  /** Whether a line must not be passed on; `Transfer-Encoding: chunked` may with its body. */
  get hasHopByHop(): boolean {
    return this.section.hasHopByHop
  }

  get upgradesToWebSocket(): boolean {
    return this.section.isWebSocket && (this.section.options & UPGRADES) !== 0
  }
}

/** Reads one from bytes[from, to). > 0: where it ends. 0: more is needed. -1: it is broken. */
// biome-ignore lint/complexity/useMaxParams: Positions in a lent buffer; an object would cost more.
export function parseResponseHead(
  bytes: Buffer,
  from: number,
  to: number,
  head: ResponseHead,
  limits: HeadLimits,
): number {
  const most = Math.min(to, from + limits.headerBytesMax)
  const { section } = head
  let at = readStatusLine(bytes, from, most, head)
  if (at > 0) at = section.read(bytes, at, most, limits.headersMax)
  if (at === 0) return most < to ? -1 : 0
  // Two lengths, or one that 1.0 does not know (RFC 9112, section 6.1).
  if (at < 0 || (section.chunked && (section.contentLength >= 0 || head.minor === 0))) return -1
  head.end = at
  head.isEventStream = isEventStream(bytes, section)
  return at
}

const PREFIX = 'HTTP/1.'
const STATUS_AT = PREFIX.length + 2
const ZERO = 48
const SLASH = 47
const SEMICOLON = 59

function readStatusLine(bytes: Buffer, from: number, to: number, head: ResponseHead): number {
  const length = Math.min(to - from, STATUS_AT + 3)
  for (let at = 0; at < length; at += 1) {
    if (!isExpected(bytes[from + at] ?? 0, at)) return -1
  }
  const statusTo = from + STATUS_AT + 3
  if (statusTo >= to) return 0
  head.minor = bytes[from + PREFIX.length] === ZERO ? 0 : 1
  head.status = numberOf(bytes, from + STATUS_AT, statusTo)
  if (head.status < 100) return -1
  return readReason(bytes, statusTo, to, head)
}

function isExpected(byte: number, at: number): boolean {
  if (at < PREFIX.length) return byte === PREFIX.charCodeAt(at)
  if (at === PREFIX.length) return byte === ZERO || byte === ZERO + 1
  if (at === PREFIX.length + 1) return byte === SPACE
  return byte >= ZERO && byte <= ZERO + 9
}

function numberOf(bytes: Buffer, from: number, to: number): number {
  let number = 0
  for (let at = from; at < to; at += 1) number = number * 10 + (bytes[at] ?? 0) - ZERO
  return number
}

/** Some servers leave out the blank before a reason that is empty. */
function readReason(bytes: Buffer, from: number, to: number, head: ResponseHead): number {
  let at = from
  if (bytes[at] === SPACE) at += 1
  else if (bytes[at] !== CR) return -1
  head.reasonFrom = at
  while (at < to && VALUE[bytes[at] ?? 0] !== 0) at += 1
  if (at >= to) return 0
  if (bytes[at] !== CR) return -1
  if (at + 1 >= to) return 0
  head.reasonTo = at
  return bytes[at + 1] === LF ? at + 2 : -1
}

function isEventStream(bytes: Buffer, { typeFrom, typeTo }: FieldSection): boolean {
  const slashAt = typeFrom + 'text'.length
  const end = slashAt + 1 + 'event-stream'.length
  if (typeFrom < 0 || end > typeTo || bytes[slashAt] !== SLASH) return false
  if (end < typeTo && bytes[end] !== SEMICOLON && !isBlank(bytes[end])) return false
  return isWord(bytes, typeFrom, slashAt, 'text') && isWord(bytes, slashAt + 1, end, 'event-stream')
}
