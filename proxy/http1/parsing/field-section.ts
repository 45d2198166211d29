import { COLON, CR, isBlank, isWord, LF, TOKEN, VALUE } from './bytes.ts'
import { CROWDED, markNamed, NAMES, optionsOf } from './connection-options.ts'
import { codingRefusal, lengthOf } from './framing.ts'
import { isHopByHop, KNOWN, kindOf } from './header-names.ts'

const FIELDS_AT_FIRST = 24

/** What the lines said besides, as bits. */
const WEB_SOCKET = 1
const CONTINUES = 2
const EXPECTS_ELSE = 4
const FRAMING_ALIAS = 8
const HOP_BY_HOP = 16

/**
 * The header lines of a message, or its trailers: read in one pass, and in one way only. What a
 * lenient reader could take for something else is refused (RFC 9112, section 5).
 */
export class FieldSection {
  /** Four for each line: where its name begins and ends, where its trimmed value does. */
  fields = new Int32Array(4 * FIELDS_AT_FIRST)
  kinds = new Uint8Array(FIELDS_AT_FIRST)
  count = 0
  hosts = 0
  hostFrom = -1
  hostTo = -1
  typeFrom = -1
  typeTo = -1
  contentLength = -1
  chunked = false
  /** What `Connection` says, as bits of connection-options.ts. */
  options = 0
  #said = 0

  /** Whether the protocol that is offered is a WebSocket, and nothing else. */
  get isWebSocket(): boolean {
    return (this.#said & WEB_SOCKET) !== 0
  }

  get continues(): boolean {
    return (this.#said & CONTINUES) !== 0
  }

  get expectsElse(): boolean {
    return (this.#said & EXPECTS_ELSE) !== 0
  }

  get hasFramingAlias(): boolean {
    return (this.#said & FRAMING_ALIAS) !== 0
  }

  /** Apart from `Transfer-Encoding`, which the next connection may share. */
  get hasHopByHop(): boolean {
    return (this.#said & HOP_BY_HOP) !== 0
  }

  /** > 0: the first byte after the empty line. 0: more is needed. < 0: minus the refusal's status. */
  read(bytes: Buffer, from: number, to: number, linesMax: number): number {
    this.#reset()
    let at = from
    while (at < to) {
      if (bytes[at] === CR) return this.#end(bytes, at, to)
      if (this.count >= linesMax) return -431
      at = this.#line(bytes, at, to)
      if (at <= 0) return at
    }
    return 0
  }

  /** Becomes what another one is, so many bytes further on. */
  take(other: FieldSection, shift: number): void {
    while (this.kinds.length < other.count) this.#grow()
    for (let index = 0; index < other.count; index += 1) {
      this.kinds[index] = other.kinds[index] ?? 0
    }
    for (let index = 0; index < 4 * other.count; index += 1) {
      this.fields[index] = (other.fields[index] ?? 0) + shift
    }
    this.count = other.count
    this.hosts = other.hosts
    this.hostFrom = other.hosts === 0 ? -1 : other.hostFrom + shift
    this.hostTo = other.hosts === 0 ? -1 : other.hostTo + shift
    this.typeFrom = other.typeFrom < 0 ? -1 : other.typeFrom + shift
    this.typeTo = other.typeFrom < 0 ? -1 : other.typeTo + shift
    this.contentLength = other.contentLength
    this.chunked = other.chunked
    this.options = other.options
    this.#said = other.#said
  }

  #reset(): void {
    this.count = 0
    this.hosts = 0
    this.hostFrom = -1
    this.hostTo = -1
    this.typeFrom = -1
    this.typeTo = -1
    this.contentLength = -1
    this.chunked = false
    this.options = 0
    this.#said = 0
  }

  #end(bytes: Buffer, at: number, to: number): number {
    if (at + 1 >= to) return 0
    if (bytes[at + 1] !== LF) return -400
    if ((this.options & NAMES) === 0) return at + 2
    this.#said |= HOP_BY_HOP
    return markNamed(bytes, this) ? at + 2 : -400
  }

  /** The start of the next line, or what `read` answers. */
  #line(bytes: Buffer, from: number, to: number): number {
    let at = from
    while (at < to && TOKEN[bytes[at] ?? 0] !== 0) at += 1
    if (at >= to) return 0
    if (bytes[at] !== COLON || at === from) return -400
    const nameTo = at
    at += 1
    while (at < to && isBlank(bytes[at])) at += 1
    const valueFrom = at
    at = endOfValue(bytes, at, to)
    if (at >= to) return 0
    if (bytes[at] !== CR) return -400
    if (at + 1 >= to) return 0
    if (bytes[at + 1] !== LF) return -400
    let valueTo = at
    while (valueTo > valueFrom && isBlank(bytes[valueTo - 1])) valueTo -= 1
    const status = this.#add(bytes, kindOf(bytes, from, nameTo), valueFrom, valueTo)
    if (status < 0) return status
    const place = 4 * this.count
    this.fields[place] = from
    this.fields[place + 1] = nameTo
    this.fields[place + 2] = valueFrom
    this.fields[place + 3] = valueTo
    this.count += 1
    return at + 2
  }

  /** What frames the message has no blanks behind it: not all recipients skip the same. */
  #add(bytes: Buffer, kind: number, from: number, to: number): number {
    if (this.count === this.kinds.length) this.#grow()
    this.kinds[this.count] = kind
    if (kind === KNOWN.other) return 0
    if (isHopByHop(kind)) return this.#hopByHop(bytes, kind, from, to)
    switch (kind) {
      case KNOWN.host:
        this.hosts += 1
        this.hostFrom = from
        this.hostTo = to
        return 0
      case KNOWN.contentLength:
        // Even the same one twice: somebody added them up already (RFC 9110, section 8.6).
        if (this.contentLength >= 0 || bytes[to] !== CR) return -400
        this.contentLength = lengthOf(bytes, from, to)
        return this.contentLength < 0 ? -400 : 0
      case KNOWN.contentType:
        this.typeFrom = from
        this.typeTo = to
        return 0
      case KNOWN.expect:
        this.#said |= isWord(bytes, from, to, '100-continue') ? CONTINUES : EXPECTS_ELSE
        return 0
      default:
        return 0
    }
  }

  #hopByHop(bytes: Buffer, kind: number, from: number, to: number): number {
    if (kind === KNOWN.transferEncoding) {
      if (this.chunked || bytes[to] !== CR) return -400
      this.chunked = true
      return codingRefusal(bytes, from, to)
    }
    this.#said |= HOP_BY_HOP
    if (kind === KNOWN.connection) {
      this.options |= optionsOf(bytes, from, to)
      return (this.options & CROWDED) === 0 ? 0 : -400
    }
    if (kind === KNOWN.upgrade && isWord(bytes, from, to, 'websocket')) this.#said |= WEB_SOCKET
    if (kind === KNOWN.framingAlias) this.#said |= FRAMING_ALIAS
    return 0
  }

  #grow(): void {
    const fields = new Int32Array(2 * this.fields.length)
    fields.set(this.fields)
    this.fields = fields
    const kinds = new Uint8Array(2 * this.kinds.length)
    kinds.set(this.kinds)
    this.kinds = kinds
  }
}

/** Values are most of a head, so four bytes are looked at at a time. */
function endOfValue(bytes: Buffer, from: number, to: number): number {
  let at = from
  const last = to - 3
  while (at < last) {
    const two = (VALUE[bytes[at] ?? 0] ?? 0) & (VALUE[bytes[at + 1] ?? 0] ?? 0)
    if ((two & (VALUE[bytes[at + 2] ?? 0] ?? 0) & (VALUE[bytes[at + 3] ?? 0] ?? 0)) === 0) break
    at += 4
  }
  while (at < to && VALUE[bytes[at] ?? 0] !== 0) at += 1
  return at
}
