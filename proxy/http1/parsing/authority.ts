import { isIPv6 } from 'node:net'
import { COLON, textOf } from './bytes.ts'

const PERCENT = 37
const DOT = 46
const OPENING = 91
const CLOSING = 93
/** A domain name has at most 253 bytes; the rest is room for a port. */
const HOST_BYTES_MAX = 261

/** Letters, digits, `-`, `.`, `_` and `~`: no name that DNS answers for needs more. */
const NAME = new Uint8Array(256)
for (const member of 'abcdefghijklmnopqrstuvwxyz0123456789-._~') {
  NAME[member.charCodeAt(0)] = 1
  NAME[member.toUpperCase().charCodeAt(0)] = 1
}

/** Whether bytes[from, to) are a host, perhaps with a port, that can only be read in one way. */
export function isAuthority(bytes: Buffer, from: number, to: number): boolean {
  if (to - from > HOST_BYTES_MAX || to === from) return false
  const hostTo =
    bytes[from] === OPENING ? afterAddress(bytes, from, to) : afterName(bytes, from, to)
  if (hostTo === from) return false
  return hostTo === to || (bytes[hostTo] === COLON && isPort(bytes, hostTo + 1, to))
}

/** Whether both name one host: the case does not matter, nor does a scheme's own port. */
export function isSameAuthority(one: string, other: string, ownPort: string): boolean {
  return withoutPort(one, ownPort) === withoutPort(other, ownPort)
}

function withoutPort(authority: string, port: string): string {
  const suffix = `:${port}`
  const lower = authority.toLowerCase()
  return lower.endsWith(suffix) ? lower.slice(0, -suffix.length) : lower
}

/** `from` when there is no name. */
function afterName(bytes: Buffer, from: number, to: number): number {
  let before = DOT
  let at = from
  for (; at < to; at += 1) {
    const byte = bytes[at] ?? 0
    if (NAME[byte] !== 1) break
    if (byte === DOT && before === DOT) return from
    before = byte
  }
  return at
}

/** Zones belong to the machine that wrote them, so there are none (RFC 6874, section 4). */
function afterAddress(bytes: Buffer, from: number, to: number): number {
  let at = from + 1
  while (at < to && bytes[at] !== CLOSING && bytes[at] !== PERCENT) at += 1
  if (at === to || bytes[at] === PERCENT) return from
  return isIPv6(textOf(bytes, from + 1, at)) ? at + 1 : from
}

function isPort(bytes: Buffer, from: number, to: number): boolean {
  let port = 0
  if (to - from > 5) return false
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - 48
    if (digit < 0 || digit > 9 || (digit === 0 && port === 0)) return false
    port = port * 10 + digit
  }
  return port > 0 && port <= 65_535
}
