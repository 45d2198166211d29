import { isAuthority } from './authority.ts'
import { isWord, SPACE, TARGET, TOKEN } from './bytes.ts'
import { endOfMethod, isRefused, methodOf } from './methods.ts'

/** What a request line says; positions are of the buffer that it was read from. */
export interface RequestLine {
  method: string
  targetFrom: number
  /** -1 until the target is read to its end. */
  targetTo: number
  /** Of a target in absolute form; else -1. */
  authorityFrom: number
  authorityTo: number
  /** Where path and query begin. In absolute form the path may be missing: then it is `/`. */
  pathFrom: number
  minor: 0 | 1
}

const SLASH = 47
const STAR = 42
const QUESTION = 63
const ONE = 49
const VERSION = 'HTTP/1.1\r\n'
const MAJOR_AT = 5
const MINOR_AT = 7

/** Reads it from bytes[from, to); > 0: what follows. 0: more is needed. < 0: minus the status. */
export function readRequestLine(
  bytes: Buffer,
  from: number,
  to: number,
  line: RequestLine,
): number {
  const methodTo = endOfMethod(bytes, from, to)
  if (methodTo >= to) return 0
  if (bytes[methodTo] !== SPACE) return TOKEN[bytes[methodTo] ?? 0] === 0 ? -400 : -501
  const method = methodOf(bytes, from, methodTo)
  if (method === undefined) return methodTo === from ? -400 : -501
  if (isRefused(method)) return -405
  line.method = method
  line.targetFrom = methodTo + 1
  const targetTo = endOfTarget(bytes, methodTo + 1, to)
  if (targetTo >= to) return 0
  if (bytes[targetTo] !== SPACE) return -400
  line.targetTo = targetTo
  return isTarget(bytes, line) ? readVersion(bytes, targetTo + 1, to, line) : -400
}

function endOfTarget(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && TARGET[bytes[at] ?? 0] !== 0) at += 1
  return at
}

function isTarget(bytes: Buffer, line: RequestLine): boolean {
  const { targetFrom, targetTo, method } = line
  line.pathFrom = targetFrom
  if (targetTo === targetFrom) return false
  if (bytes[targetFrom] === SLASH) return true
  if (bytes[targetFrom] === STAR) return method === 'OPTIONS' && targetTo === targetFrom + 1
  return isAbsolute(bytes, line)
}

/** RFC 9112, section 3.2.2; names and passwords are no part of it (RFC 9110, section 4.2.4). */
function isAbsolute(bytes: Buffer, line: RequestLine): boolean {
  const { targetFrom, targetTo } = line
  const from = afterScheme(bytes, targetFrom, targetTo)
  let at = from
  while (at < targetTo && bytes[at] !== SLASH && bytes[at] !== QUESTION) at += 1
  line.authorityFrom = from
  line.authorityTo = at
  line.pathFrom = at
  return from > targetFrom && isAuthority(bytes, from, at)
}

const COLON_SLASHES = '://'

/** `from` when it is none that HTTP serves. */
function afterScheme(bytes: Buffer, from: number, to: number): number {
  let at = from
  while (at < to && TOKEN[bytes[at] ?? 0] !== 0) at += 1
  if (!isWord(bytes, from, at, 'http') && !isWord(bytes, from, at, 'https')) return from
  for (let index = 0; index < COLON_SLASHES.length; index += 1) {
    if (bytes[at + index] !== COLON_SLASHES.charCodeAt(index)) return from
  }
  return at + COLON_SLASHES.length
}

function readVersion(bytes: Buffer, from: number, to: number, line: RequestLine): number {
  for (let at = 0; at < VERSION.length; at += 1) {
    if (from + at >= to) return 0
    const byte = bytes[from + at] ?? 0
    const isFree = at === MAJOR_AT || at === MINOR_AT
    if (isFree ? !isDigit(byte) : byte !== VERSION.charCodeAt(at)) return -400
  }
  const minor = (bytes[from + MINOR_AT] ?? 0) - (ONE - 1)
  if (bytes[from + MAJOR_AT] !== ONE || minor > 1) return -505
  line.minor = minor === 1 ? 1 : 0
  return from + VERSION.length
}

function isDigit(byte: number): boolean {
  return byte >= ONE - 1 && byte <= ONE + 8
}
