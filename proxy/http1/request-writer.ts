import type { ClientHeads } from './client-heads.ts'
import { HeadBuffer, type LineFilter } from './head-buffer.ts'
import {
  HAS_FORWARDED,
  HAS_REQUEST_ID,
  HAS_TRACE,
  type Introduction,
  REQUEST_ID_WORDS,
  SPAN_ID_WORDS,
  type Template,
} from './introduction.ts'
import { isHopByHop, isOurs, KNOWN } from './parsing/header-names.ts'
import { type RequestHead, textOf } from './parsing/request-head.ts'
import type { RandomIds } from './random-ids.ts'

const REQUEST_ID = /^[\x21-\x7e]{1,128}$/
/**
 * W3C Trace Context, section 3.2: ids of zeros alone are invalid. Later versions may say more behind
 * what is known of them; they are passed on as they came.
 */
const TRACE_PARENT =
  /^(?!ff)(?!00-.{52}-)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/
/** Without a body of their own these carry no `Content-Length: 0`. */
const BODILESS = new Set(['GET', 'HEAD', 'DELETE', 'OPTIONS'])

const VERSION = Buffer.from(' HTTP/1.1\r\n')
const CHUNKED_LINE = Buffer.from('Transfer-Encoding: chunked\r\n')
const EMPTY_LINE = Buffer.from('Content-Length: 0\r\n')
const UPGRADE_LINES = Buffer.from('Connection: Upgrade\r\nUpgrade: websocket\r\n')
const ID_DIGITS = 8 * REQUEST_ID_WORDS
/** What the proxy's own lines need at most, beside addresses and hosts. */
const OWN_LINES_BYTES = 640

/** What of a request is decided before it is written: the rest is passed on as it came. */
export interface Passing {
  /** Another target than the client's; undefined: as it came. */
  readonly target: string | undefined
  /** The host that an absolute target named, which wins over the header. */
  readonly host: string | undefined
  readonly upgrades: boolean
  /** What proxies in front say of the client is believed. */
  readonly trusted: boolean
  readonly introduction: Introduction
  /** Undefined: the head does not come from the client as it is. */
  readonly heads: ClientHeads | undefined
}

/** Where in the memory that is written to the lines begin, and those of the introduction. */
interface LinesJustWritten {
  readonly from: number
  readonly introducedAt: number
  readonly template: Template
}

/** The most bytes that the head of a request needs as it is passed on. */
export function requestBytesMax(head: RequestHead, passing: Passing): number {
  const hosts = 2 * Math.max(head.hostTo - head.hostFrom, passing.host?.length ?? 0)
  const own = OWN_LINES_BYTES + passing.introduction.address.length
  return head.end + (passing.target?.length ?? 0) + hosts + own
}

/** Writes the head of a request as the replica gets it. */
export class RequestWriter implements LineFilter {
  readonly #ids: RandomIds
  readonly #out = new HeadBuffer(Buffer.alloc(0))
  #bytes: Buffer = Buffer.alloc(0)
  #head: RequestHead | undefined = undefined
  #passing: Passing | undefined = undefined
  #has = 0
  /** What trusted proxies in front say, the proxy does not say itself. */
  #isProtocolSaid = false
  #isHostSaid = false

  constructor(ids: RandomIds) {
    this.#ids = ids
  }

  /** Writes it at the start of `into`; answers its length. */
  write(bytes: Buffer, head: RequestHead, passing: Passing, into: Buffer): number {
    const out = this.#out
    out.begin(into)
    this.#bytes = bytes
    this.#head = head
    this.#passing = passing
    this.#has = passing.trusted ? HAS_FORWARDED : 0
    this.#isProtocolSaid = false
    this.#isHostSaid = false
    out.text(head.method)
    out.text(' ')
    if (passing.target === undefined) out.copy(bytes, head.targetFrom, head.targetTo)
    else out.text(passing.target)
    out.whole(VERSION)
    const written = head.isKnown ? passing.heads?.written : undefined
    if (written?.method === head.method && isPlain(passing)) this.#withIds(written)
    else this.#lines(bytes, head, passing)
    return out.at
  }

  #lines(bytes: Buffer, head: RequestHead, passing: Passing): void {
    const out = this.#out
    const from = out.at
    if (passing.host !== undefined) out.line('Host: ', passing.host)
    out.lines(bytes, head, this)
    if (passing.upgrades) out.whole(UPGRADE_LINES)
    else this.#framing(head)
    if (passing.trusted) this.#chain(head, passing.introduction)
    const introducedAt = out.at
    const template = passing.introduction.templates[this.#has]
    if (template !== undefined) this.#withIds(template)
    if (!this.#isHostSaid) this.#forwardedHost(head, passing.host)
    out.lineEnd()
    if (template === undefined || !head.isKnown || !isPlain(passing)) return
    this.#remember(passing.heads, head.method, { from, introducedAt, template })
  }

  /** The next head with the same lines is passed on the same. */
  #remember(heads: ClientHeads | undefined, method: string, lines: LinesJustWritten): void {
    const { bytes, at } = this.#out
    const { from, introducedAt, template } = lines
    const shift = introducedAt - from
    if (heads === undefined) return
    heads.written = {
      method,
      bytes: Buffer.from(bytes.subarray(from, at)),
      requestIdAt: shifted(template.requestIdAt, shift),
      traceIdAt: shifted(template.traceIdAt, shift),
      spanIdAt: shifted(template.spanIdAt, shift),
    }
  }

  /** Notes what the request has already of what the proxy would add. */
  keeps(kind: number, index: number): boolean {
    if (kind === KNOWN.other) return true
    if (isHopByHop(kind)) return false
    switch (kind) {
      case KNOWN.host:
        return this.#passing?.host === undefined
      case KNOWN.expect:
      case KNOWN.forwardedFor:
      // Proxies that write X-Forwarded lines pass on what the client itself says here.
      case KNOWN.forwarded:
        return false
      case KNOWN.forwardedProto:
        this.#isProtocolSaid = this.#passing?.trusted === true
        return this.#isProtocolSaid
      case KNOWN.forwardedHost:
        this.#isHostSaid = this.#passing?.trusted === true
        return this.#isHostSaid
      case KNOWN.requestId:
        return this.#note(this.#isRequestId(index), HAS_REQUEST_ID)
      case KNOWN.traceparent:
        return this.#note(this.#isTraced, HAS_TRACE)
      case KNOWN.tracestate:
        return this.#isTraced
      default:
        return !isOurs(kind) || this.#passing?.trusted === true
    }
  }

  #note(kept: boolean, has: number): boolean {
    if (kept) this.#has |= has
    return kept
  }

  #isRequestId(index: number): boolean {
    return this.#only(KNOWN.requestId) === index && REQUEST_ID.test(this.#valueOf(index))
  }

  get #isTraced(): boolean {
    const index = this.#only(KNOWN.traceparent)
    return index >= 0 && TRACE_PARENT.test(this.#valueOf(index))
  }

  /** The one line of that kind; -1 when there are none or several. */
  #only(kind: number): number {
    let found = -1
    for (let index = 0; index < (this.#head?.count ?? 0); index += 1) {
      if (this.#head?.kinds[index] !== kind) continue
      if (found >= 0) return -1
      found = index
    }
    return found
  }

  #valueOf(index: number): string {
    const fields = this.#head?.fields
    return textOf(this.#bytes, fields?.[4 * index + 2] ?? 0, fields?.[4 * index + 3] ?? 0)
  }

  #framing(head: RequestHead): void {
    if (head.chunked) this.#out.whole(CHUNKED_LINE)
    else if (head.contentLength < 0 && !BODILESS.has(head.method)) this.#out.whole(EMPTY_LINE)
  }

  /** Who came through the proxies in front, and then who came to this one. */
  #chain(head: RequestHead, { address, secure }: Introduction): void {
    this.#out.text('X-Forwarded-For: ')
    for (let index = 0; index < head.count; index += 1) {
      if (head.kinds[index] !== KNOWN.forwardedFor) continue
      this.#out.text(this.#valueOf(index))
      this.#out.text(', ')
    }
    this.#out.text(address)
    this.#out.lineEnd()
    if (!this.#isProtocolSaid) this.#out.line('X-Forwarded-Proto: ', secure ? 'https' : 'http')
  }

  #withIds(template: Template): void {
    const { at, bytes } = this.#out
    this.#out.whole(template.bytes)
    const { requestIdAt, traceIdAt, spanIdAt } = template
    if (requestIdAt >= 0) this.#ids.write(bytes, at + requestIdAt, REQUEST_ID_WORDS)
    if (traceIdAt < 0) return
    // The trace and the request it began with have one name.
    if (requestIdAt < 0) this.#ids.write(bytes, at + traceIdAt, REQUEST_ID_WORDS)
    else bytes.copyWithin(at + traceIdAt, at + requestIdAt, at + requestIdAt + ID_DIGITS)
    this.#ids.write(bytes, at + spanIdAt, SPAN_ID_WORDS)
  }

  #forwardedHost(head: RequestHead, host: string | undefined): void {
    if (host !== undefined && host !== '') this.#out.line('X-Forwarded-Host: ', host)
    if (host !== undefined || head.hostTo <= head.hostFrom) return
    this.#out.text('X-Forwarded-Host: ')
    this.#out.copy(this.#bytes, head.hostFrom, head.hostTo)
    this.#out.lineEnd()
  }
}

/** Whether the client's lines alone say what is written. */
function isPlain({ host, upgrades }: Passing): boolean {
  return host === undefined && !upgrades
}

function shifted(at: number, by: number): number {
  return at < 0 ? -1 : at + by
}
