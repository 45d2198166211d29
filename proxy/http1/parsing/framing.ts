import { isWord, textOf } from './bytes.ts'

const ZERO = 48
/** Larger numbers are no longer whole ones. */
const DIGITS_MAX = 16

/** A `Content-Length`; -1 when it is not written in the one way that nobody misreads. */
export function lengthOf(bytes: Buffer, from: number, to: number): number {
  if (to === from || to - from > DIGITS_MAX) return -1
  if (bytes[from] === ZERO && to - from > 1) return -1
  let length = 0
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO
    if (digit < 0 || digit > 9) return -1
    length = length * 10 + digit
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1
}

/** Codings of which the last, and only the last, may be `chunked`; each a bare token. */
const CODINGS = /^(?:(?!chunked *,)[\w!#$%&'*+.^`|~-]+ *, *)*[\w!#$%&'*+.^`|~-]+$/i

/** 0 when a body is chunked and nothing else; else minus the status that says why it is refused. */
export function codingRefusal(bytes: Buffer, from: number, to: number): number {
  if (isWord(bytes, from, to, 'chunked')) return 0
  // What is well said is only not implemented; the rest wants to be misread.
  return CODINGS.test(textOf(bytes, from, to)) ? -501 : -400
}
