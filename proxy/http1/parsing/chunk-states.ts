import { CR, TOKEN, VALUE } from './bytes.ts'

/** Where in a chunked body a reader is (RFC 9112, section 7.1). */
export const STATE = {
  size: 0,
  extensionName: 1,
  extensionNameRest: 2,
  extensionValue: 3,
  extensionValueRest: 4,
  quoted: 5,
  quotedPair: 6,
  quotedEnd: 7,
  sizeEnd: 8,
  data: 9,
  dataEnd: 10,
  dataEndRest: 11,
  /** Behind the line of the last chunk: trailers or the end. */
  last: 12,
  lastRest: 13,
  trailers: 14,
  done: 15,
  broken: 16,
} as const

export type State = (typeof STATE)[keyof typeof STATE]

const SEMICOLON = 59
const EQUALS = 61
const QUOTE = 34
const BACKSLASH = 92

export function isExtension(state: State): boolean {
  return state >= STATE.extensionName && state <= STATE.quotedEnd
}

/** The state behind a byte of an extension: blanks are refused, though some recipients skip them. */
export function nextOfExtension(state: State, byte: number): State {
  switch (state) {
    case STATE.extensionName:
      return onToken(byte, STATE.extensionNameRest, STATE.broken)
    case STATE.extensionNameRest:
      return byte === EQUALS ? STATE.extensionValue : onToken(byte, state, behindExtension(byte))
    case STATE.extensionValue:
      return byte === QUOTE ? STATE.quoted : onToken(byte, STATE.extensionValueRest, STATE.broken)
    case STATE.extensionValueRest:
      return onToken(byte, state, behindExtension(byte))
    case STATE.quoted:
      return quoted(byte)
    case STATE.quotedPair:
      return VALUE[byte] === 0 ? STATE.broken : STATE.quoted
    default:
      return behindExtension(byte)
  }
}

/** What may follow a size or an extension: the end of the line, or another extension. */
export function behindExtension(byte: number): State {
  if (byte === CR) return STATE.sizeEnd
  return byte === SEMICOLON ? STATE.extensionName : STATE.broken
}

function onToken(byte: number, then: State, otherwise: State): State {
  return TOKEN[byte] === 0 ? otherwise : then
}

function quoted(byte: number): State {
  if (byte === QUOTE) return STATE.quotedEnd
  if (byte === BACKSLASH) return STATE.quotedPair
  return VALUE[byte] === 0 ? STATE.broken : STATE.quoted
}
