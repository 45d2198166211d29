import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { endToEnd } from '../decide/headers.ts'
import { fieldsOf } from './fields.ts'

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
  const { statusCode = 0, statusMessage = '', rawHeaders } = answer
  if (statusCode < STATUS_MIN || !TEXT.test(statusMessage)) return false
  if (rawHeaders.length / 2 > headersMax) return false
  return rawHeaders.every((text, at) => (at % 2 === 0 ? NAME : TEXT).test(text))
}

/** Server-sent events stay open for as long as both sides like. */
export function isEventStream({ headers }: IncomingMessage): boolean {
  return /^text\/event-stream(?:[;\s]|$)/i.test(headers['content-type'] ?? '')
}

/** Leaves of an answer what concerns the client: the package passes on all that is there. */
export function shape(answer: IncomingMessage, { connection, empty, cookie }: AnswerShape): void {
  const kept = endToEnd(answer.rawHeaders)
  if (cookie !== undefined) kept.push('Set-Cookie', cookie)
  const headers: IncomingHttpHeaders = { ...fieldsOf(kept), connection }
  // A length that no body follows would leave the client waiting for one.
  if (answer.statusCode === NO_CONTENT) delete headers['content-length']
  if (empty) headers['content-length'] = '0'
  answer.headers = headers
}

/** Leaves of a 101 what concerns the client. */
export function shapeSwitch(answer: IncomingMessage): void {
  const fields = fieldsOf(endToEnd(answer.rawHeaders))
  answer.headers = { ...fields, connection: 'Upgrade', upgrade: 'websocket' }
}

/** RFC 6455, section 4.1: what else is switched to was not asked for. */
export function switchesToWebSocket({ headers }: IncomingMessage): boolean {
  const options = (headers.connection ?? '').toLowerCase().split(',')
  const upgrades = options.some((option) => option.trim() === 'upgrade')
  return upgrades && headers.upgrade?.toLowerCase() === 'websocket'
}
