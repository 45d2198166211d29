import { isAuthority, isSameAuthority } from './authority.ts'
import { COLON, CR, LF, textOf } from './bytes.ts'
import { UPGRADES } from './connection-options.ts'
import type { KnownLines } from './known-lines.ts'
import { type HeadLimits, MessageHead } from './message-head.ts'
import { type RequestLine, readRequestLine } from './request-line.ts'

export { mayBeComplete, textOf } from './bytes.ts'

/** Some clients end the body before with one line end too many (RFC 9112, section 2.2). */
const EMPTY_LINES_MAX = 2

/** The head of a request, as positions in the buffer that it was read from; for use again. */
export class RequestHead extends MessageHead implements RequestLine {
  method = ''
  targetFrom = -1
  targetTo = -1
  authorityFrom = -1
  authorityTo = -1
  pathFrom = -1
  /** Where the header lines begin. */
  linesFrom = 0
  /** Whether the header lines are those that were known. */
  isKnown = false

  /** -1 without a Host. */
  get hostFrom(): number {
    return this.section.hostFrom
  }

  get hostTo(): number {
    return this.section.hostTo
  }

  get hasBody(): boolean {
    return this.section.chunked || this.section.contentLength > 0
  }

  /** Whether the client holds its body back; one of 1.0 cannot (RFC 9110, section 10.1.1). */
  get expectsContinue(): boolean {
    return this.minor === 1 && this.section.continues && this.hasBody
  }

  get upgradesToWebSocket(): boolean {
    const { options, isWebSocket } = this.section
    const asks = isWebSocket && (options & UPGRADES) !== 0
    return asks && this.minor === 1 && this.method === 'GET'
  }
}

/**
 * Reads one from bytes[from, to). > 0: where it ends. 0: more is needed. < 0: minus the status of
 * the refusal. What is refused and why does not depend on the pieces in which it came.
 */
// biome-ignore lint/complexity/useMaxParams: Positions in a lent buffer; an object would cost more.
export function parseRequestHead(
  bytes: Buffer,
  from: number,
  to: number,
  head: RequestHead,
  limits: HeadLimits,
  known?: KnownLines,
): number {
  const most = Math.min(to, from + limits.headerBytesMax)
  head.targetFrom = -1
  head.targetTo = -1
  head.authorityFrom = -1
  head.authorityTo = -1
  let at = afterEmptyLines(bytes, from, most)
  if (at >= 0 && at < most) at = readRequestLine(bytes, at, most, head)
  else if (at >= 0) at = 0
  head.linesFrom = at
  const knownTo = at > 0 ? (known?.recall(bytes, at, most, head.section) ?? 0) : 0
  head.isKnown = knownTo > 0
  if (head.isKnown) at = knownTo
  else if (at > 0) at = head.section.read(bytes, at, most, limits.headersMax)
  if (at < 0) return at
  if (at === 0) return most < to ? tooLarge(head) : 0
  head.end = at
  const status = refusal(bytes, head)
  return status < 0 ? status : at
}

/** -400 for what only begins like an empty line; `to` when more is needed. */
function afterEmptyLines(bytes: Buffer, from: number, to: number): number {
  let at = from
  for (let count = 0; at < to && bytes[at] === CR; count += 1) {
    if (count === EMPTY_LINES_MAX) return -400
    if (at + 1 >= to) return to
    if (bytes[at + 1] !== LF) return -400
    at += 2
  }
  return at
}

function tooLarge({ targetFrom, targetTo }: RequestHead): number {
  return targetFrom >= 0 && targetTo < 0 ? -414 : -431
}

/** What only the whole head tells. */
function refusal(bytes: Buffer, head: RequestHead): number {
  const { section } = head
  if (!isHosted(bytes, head)) return -400
  // Two lengths: whoever reads the other one sees a request in the body (RFC 9112, section 6.1).
  if (section.chunked && (section.contentLength >= 0 || head.minor === 0)) return -400
  if (section.hasFramingAlias) return -400
  if (section.isWebSocket && head.hasBody && head.upgradesToWebSocket) return -400
  return section.expectsElse ? -417 : 0
}

/** RFC 9112, section 3.2: exactly one Host, and the same as an absolute target has. */
function isHosted(bytes: Buffer, head: RequestHead): boolean {
  const { hosts, hostFrom, hostTo } = head.section
  if (hosts === 0) return head.minor === 0
  if (hosts > 1 || !isAuthority(bytes, hostFrom, hostTo)) return false
  const { targetFrom, authorityFrom, authorityTo } = head
  if (authorityFrom < 0) return true
  // The fifth letter of the target is that of https, or the colon.
  const ownPort = (bytes[targetFrom + 4] ?? 0) === COLON ? '80' : '443'
  const host = textOf(bytes, hostFrom, hostTo)
  return isSameAuthority(host, textOf(bytes, authorityFrom, authorityTo), ownPort)
}
