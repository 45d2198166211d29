import type { IncomingMessage } from 'node:http'
import { endToEnd, type RawHeaders, valuesOf, without } from '../decide/headers.ts'
import { fieldsOf, namedFields } from './fields.ts'

/** How the client gets an answer. */
export interface AnswerShape {
  readonly connection: 'close' | 'keep-alive'
  /** The client expects a body, but the replica was asked for a head alone. */
  readonly empty: boolean
  /** A cookie that ties the client to its replica. */
  readonly cookie: string | undefined
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const TEXT = /^[\t\x20-\x7e\x80-\xff]*$/
const STATUS_MIN = 200
const NO_CONTENT = 204

/** Whether node would write this head again: what it refuses to write would end the program. */
export function isPassable(answer: IncomingMessage, headersMax: number): boolean {
  const { statusCode = 0, statusMessage = '', rawHeaders, httpVersionMajor } = answer
  if (httpVersionMajor !== 1 || statusCode < STATUS_MIN || !TEXT.test(statusMessage)) return false
  if (rawHeaders.length / 2 > headersMax || !isKnownCoding(rawHeaders)) return false
  return rawHeaders.every((text, at) => (at % 2 === 0 ? NAME : TEXT).test(text))
}

/** Node takes the chunks apart, but leaves any other coding as it is, of which nobody would know. */
function isKnownCoding(rawHeaders: RawHeaders): boolean {
  const [coding, ...others] = valuesOf(rawHeaders, 'transfer-encoding')
  return coding === undefined || (others.length === 0 && coding.toLowerCase() === 'chunked')
}

/** Server-sent events stay open for as long as both sides like. */
export function isEventStream({ headers }: IncomingMessage): boolean {
  return /^text\/event-stream(?:[;\s]|$)/i.test(headers['content-type'] ?? '')
}

/** Leaves of an answer what concerns the client: the package passes on all that is there. */
export function shape(answer: IncomingMessage, answerShape: AnswerShape): void {
  const raw = shaped(answer, answerShape)
  // The one for its content, the other for how the names are spelled.
  answer.headers = fieldsOf(raw)
  answer.rawHeaders = raw
}

/** The same of an answer that refuses an upgrade: the package writes it byte by byte. */
export function shapeRefusal(answer: IncomingMessage): void {
  const how = { connection: 'close', empty: false, cookie: undefined } as const
  answer.headers = namedFields(shaped(answer, how))
  answer.httpVersion = '1.1'
}

/** The same of a 101. */
export function shapeSwitch(answer: IncomingMessage): void {
  const joining = ['Connection', 'Upgrade', 'Upgrade', 'websocket']
  answer.headers = namedFields([...endToEnd(answer.rawHeaders), ...joining])
}

function shaped(
  { statusCode, rawHeaders }: IncomingMessage,
  { connection, empty, cookie }: AnswerShape,
): string[] {
  const kept = endToEnd(rawHeaders)
  // A length that no body follows would leave the client waiting for one.
  const raw = empty || statusCode === NO_CONTENT ? without(kept, 'content-length') : kept
  if (empty) raw.push('Content-Length', '0')
  if (cookie !== undefined) raw.push('Set-Cookie', cookie)
  raw.push('Connection', connection)
  return raw
}

/** RFC 6455, section 4.1: what else is switched to was not asked for. */
export function switchesToWebSocket({ headers }: IncomingMessage): boolean {
  const options = (headers.connection ?? '').toLowerCase().split(',')
  const upgrades = options.some((option) => option.trim() === 'upgrade')
  return upgrades && headers.upgrade?.toLowerCase() === 'websocket'
}
