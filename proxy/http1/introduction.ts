/** The lines by which the proxy introduces a client to a replica. */
export interface Introduction {
  readonly address: string
  readonly secure: boolean
  /** One per combination of what the request brought along itself. */
  readonly templates: readonly Template[]
}

/** Header lines with room for identifiers; -1 where there is none. */
export interface Template {
  readonly bytes: Buffer
  readonly requestIdAt: number
  readonly traceIdAt: number
  readonly spanIdAt: number
}

/** What the client brought along and is passed on as it came, as bits of the template's index. */
export const HAS_REQUEST_ID = 1
export const HAS_TRACE = 2
export const HAS_FORWARDED = 4

/** In words of eight hexadecimal digits. */
export const REQUEST_ID_WORDS = 4
export const SPAN_ID_WORDS = 2

const KNOWN_MAX = 4_096
const KINDS = 8
const REQUEST_ID = 'X-Request-Id: '
const TRACE = 'traceparent: 00-'

/** Remembers the lines of each client's address: they are the same for all of its requests. */
export class Introductions {
  readonly #known = new Map<string, Introduction>()
  readonly #startsTraces: boolean

  constructor(startsTraces: boolean) {
    this.#startsTraces = startsTraces
  }

  of(address: string, secure: boolean): Introduction {
    const key = secure ? `+${address}` : address
    const known = this.#known.get(key)
    if (known !== undefined) return known
    if (this.#known.size >= KNOWN_MAX) this.#known.clear()
    const templates = Array.from({ length: KINDS }, (_, has) =>
      this.#template(address, secure, has),
    )
    const introduction = { address, secure, templates }
    this.#known.set(key, introduction)
    return introduction
  }

  #template(address: string, secure: boolean, has: number): Template {
    let text = 'Via: 1.1 orchestrify\r\n'
    if ((has & HAS_FORWARDED) === 0) {
      const protocol = secure ? 'https' : 'http'
      text += `X-Forwarded-For: ${address}\r\nX-Forwarded-Proto: ${protocol}\r\n`
    }
    let requestIdAt = -1
    let traceIdAt = -1
    let spanIdAt = -1
    if ((has & HAS_REQUEST_ID) === 0) {
      requestIdAt = text.length + REQUEST_ID.length
      text += `${REQUEST_ID}${'0'.repeat(8 * REQUEST_ID_WORDS)}\r\n`
    }
    if (this.#startsTraces && (has & HAS_TRACE) === 0) {
      traceIdAt = text.length + TRACE.length
      spanIdAt = traceIdAt + 8 * REQUEST_ID_WORDS + 1
      const ids = `${'0'.repeat(8 * REQUEST_ID_WORDS)}-${'0'.repeat(8 * SPAN_ID_WORDS)}`
      text += `${TRACE}${ids}-01\r\n`
    }
    return { bytes: Buffer.from(text, 'latin1'), requestIdAt, traceIdAt, spanIdAt }
  }
}
