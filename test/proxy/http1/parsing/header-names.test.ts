import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  isHopByHop,
  isOurs,
  isTrailer,
  KNOWN,
  kindOf,
} from '../../../../proxy/http1/parsing/header-names.ts'

const kind = (name: string): number => {
  const bytes = Buffer.from(`#${name}#`, 'latin1')
  return kindOf(bytes, 1, bytes.length - 1)
}

test.each([
  ['Connection', KNOWN.connection],
  ['Keep-Alive', KNOWN.keepAlive],
  ['Proxy-Connection', KNOWN.proxyConnection],
  ['Proxy-Authenticate', KNOWN.proxyAuthenticate],
  ['Proxy-Authorization', KNOWN.proxyAuthorization],
  ['TE', KNOWN.te],
  ['Trailer', KNOWN.trailer],
  ['Transfer-Encoding', KNOWN.transferEncoding],
  ['Upgrade', KNOWN.upgrade],
  ['HTTP2-Settings', KNOWN.http2Settings],
  ['Proxy', KNOWN.proxy],
] as const)('kindOf() knows %s as hop by hop, and hides its aliases', (name, expected) => {
  for (const spelled of [name, name.toLowerCase(), name.toUpperCase()]) {
    expect(kind(spelled)).toBe(expected)
  }
  expect(isHopByHop(expected)).toBe(true)
  expect(isOurs(expected)).toBe(false)
  if (name.includes('-')) expect(isHopByHop(kind(name.replace('-', '_')))).toBe(true)
})

test.each([
  ['Forwarded', KNOWN.forwarded],
  ['X-Forwarded-For', KNOWN.forwardedFor],
  ['X-Forwarded-Proto', KNOWN.forwardedProto],
  ['X-Forwarded-Host', KNOWN.forwardedHost],
  ['X-Forwarded-Port', KNOWN.forwardedPort],
  ['X-Forwarded-Prefix', KNOWN.forwardedElse],
  ['X-Forwarded-Fo', KNOWN.forwardedElse],
  ['X-Forwarded-Client-Cert', KNOWN.forwardedElse],
  ['X-Real-IP', KNOWN.realIp],
] as const)('kindOf() knows %s as ours, and hides its aliases', (name, expected) => {
  for (const spelled of [name, name.toLowerCase(), name.toUpperCase()]) {
    expect(kind(spelled)).toBe(expected)
  }
  expect(isOurs(expected)).toBe(true)
  expect(isHopByHop(expected)).toBe(false)
  if (!name.includes('-')) return
  expect(isHopByHop(kind(name.replaceAll('-', '_')))).toBe(true)
  expect(isHopByHop(kind(name.replace('-', '_')))).toBe(true)
})

test.each([
  ['Host', KNOWN.host],
  ['Content-Length', KNOWN.contentLength],
  ['Content-Type', KNOWN.contentType],
  ['Expect', KNOWN.expect],
  ['X-Request-Id', KNOWN.requestId],
  ['traceparent', KNOWN.traceparent],
  ['tracestate', KNOWN.tracestate],
  ['Via', KNOWN.via],
  ['Cookie', KNOWN.cookie],
  ['Authorization', KNOWN.authorization],
  ['Cache-Control', KNOWN.cacheControl],
] as const)('kindOf() knows %s, which is passed on', (name, expected) => {
  expect(kind(name.toUpperCase())).toBe(expected)
  expect(isHopByHop(expected) || isOurs(expected) || isTrailer(expected)).toBe(false)
})

test.each([
  ['X_Request_Id', KNOWN.alias],
  ['Content_Length', KNOWN.framingAlias],
  ['Transfer_Encoding', KNOWN.framingAlias],
  ['Content_Type', KNOWN.other],
  ['X_Custom_Name', KNOWN.other],
] as const)('kindOf() takes %s for %i', (name, expected) => {
  expect(kind(name)).toBe(expected)
})

test.each([
  ...['A', 'X', 'T', 'Hosts', 'Xost', 'Connections', 'Connectiom', 'Content-Lengtg', 'Accept'],
  ...['X-Forwarded', 'X-Forwarde-For', 'Y-Forwarded-For', 'X-Real-I', 'Keep-Alivf', 'Fortarded'],
  ...['grpc-status', 'x'.repeat(500)],
])('kindOf() does not know %s', (name) => {
  expect(kind(name)).toBe(KNOWN.other)
  expect(isTrailer(kind(name))).toBe(true)
})

test('kindOf() knows a name by nothing but its letters', () => {
  const names = [
    ...['connection', 'host', 'content-length', 'transfer-encoding', 'upgrade', 'x-real-ip'],
    ...['x-forwarded-for', 'expect', 'cookie', 'te', 'via', 'keep-alive'],
  ]
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.nat(), fc.nat(255), (name, place, byte) => {
      const at = place % name.length
      const other = name.slice(0, at) + String.fromCharCode(byte) + name.slice(at + 1)
      const same = other.toLowerCase() === name
      // An underscore for a dash is an alias; another suffix may be another forwarded one.
      if (same) expect(kind(other)).toBe(kind(name))
      else expect(kind(other)).not.toBe(kind(name))
    }),
  )
})
