/** One log entry as a line: JSON for programs, words for a terminal. */
import { sentenceOf } from './errors.ts'
import type { LogFields, LogLevel } from './log.ts'

export interface LogEntry {
  readonly time: string
  readonly level: LogLevel
  readonly program: string
  readonly message: string
  readonly fields: LogFields
}

/** Longer texts are cut: one value must not fill the disk. */
const TEXT_LENGTH_MAX = 8_192

export function jsonLine(entry: LogEntry): string {
  const { fields, ...head } = entry
  return harmless(JSON.stringify({ ...head, ...asJson(renamed(fields, head)) }))
}

/** `12:34:56.789 info  replica assigned node=n1 reason="first start"` */
export function terminalLine(entry: LogEntry): string {
  const fields = Object.entries(asJson(renamed(entry.fields, {})))
  const shown = fields.map(([name, value]) => ` ${word(name)}=${word(value)}`).join('')
  const message = JSON.stringify(entry.message).slice(1, -1).replaceAll('\\"', '"')
  return harmless(`${entry.time.slice(11, 23)} ${entry.level.padEnd(5)} ${message}${shown}`)
}

/** A field must not pass for the entry's own level, message, time or program. */
function renamed(fields: LogFields, head: object): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, value]) => [
    Object.hasOwn(head, name) ? `field_${name}` : name,
    value,
  ])
  return Object.fromEntries(entries)
}

/** What JSON keeps of the fields; values that it refuses must not cost the line. */
function asJson(fields: Record<string, unknown>): Record<string, unknown> {
  try {
    return JSON.parse(JSON.stringify(fields, shownValue))
  } catch (error) {
    return { fieldsUnreadable: sentenceOf(error) }
  }
}

const SECRET = /^(authorization|cookie|set-cookie|password|secret|token|credential|privatekey)$/i

function shownValue(name: string, value: unknown): unknown {
  if (SECRET.test(name) && value !== undefined) return '[redacted]'
  if (value instanceof Error) return clipped(sentenceOf(value))
  if (value instanceof Map) return Object.fromEntries(value)
  if (value instanceof Set) return [...value]
  if (typeof value === 'string') return clipped(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return typeof value === 'bigint' ? String(value) : value
}

function clipped(text: string): string {
  const over = text.length - TEXT_LENGTH_MAX
  return over <= 0 ? text : `${text.slice(0, TEXT_LENGTH_MAX)}… (${over} more)`
}

function word(value: unknown): string {
  if (typeof value === 'string' && /^[\w.:/@%+-]+$/.test(value)) return value
  return JSON.stringify(value)
}

/** JSON leaves C1 controls and marks of direction alone, which rewrite what a terminal shows. */
function harmless(line: string): string {
  return line.replace(/[\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  })
}
