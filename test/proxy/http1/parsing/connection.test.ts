import { expect, test } from 'vitest'
import { isHopByHop, KNOWN } from '../../../../proxy/http1/parsing/header-names.ts'
import { textOf } from '../../../../proxy/http1/parsing/request-head.ts'
import { accepted, get, message, verdictOn } from './reading.ts'

test.each([
  [1, [], true],
  [1, ['keep-alive'], true],
  [1, ['close'], false],
  [1, ['Close'], false],
  [1, ['keep-alive, close'], false],
  [1, ['close', 'keep-alive'], false],
  [1, ['X', ' close ,'], false],
  [1, ['closed'], true],
  [1, [''], true],
  [1, [',,'], true],
  [0, [], false],
  [0, ['keep-alive'], true],
  [0, ['Keep-Alive'], true],
  [0, ['keep-alive, X'], true],
  [0, ['close'], false],
  [0, ['keep-alive, close'], false],
  [0, ['keepalive'], false],
] as const)(
  'RequestHead.keepAlive of HTTP/1.%i with Connection %j is %s',
  (minor, values, kept) => {
    const lines = values.map((value) => `Connection: ${value}`)
    const { head } = accepted(message(`GET / HTTP/1.${minor}`, 'Host: a', ...lines))
    expect(head.keepAlive).toBe(kept)
  },
)

/** The headers that are not passed on. */
function dropped(text: string): string[] {
  const { head, bytes } = accepted(text)
  const indexes = Array.from({ length: head.count }, (_, at) => at)
  const hidden = indexes.filter((at) => isHopByHop(head.kinds[at] ?? 0))
  return hidden.map((at) => textOf(bytes, head.fields[4 * at] ?? 0, head.fields[4 * at + 1] ?? 0))
}

test.each([
  ['X-Drop', true, ['X-Drop']],
  ['x-drop', true, ['X-Drop']],
  ['close, X-Drop', true, ['X-Drop']],
  ['\tX-Drop\t,y', true, ['X-Drop', 'Y']],
  ['Cookie', true, ['Cookie']],
  ['X-Drops', true, []],
  ['X_Drop', true, []],
  ['Host, Content-Length', true, []],
  ['Authorization, Cache-Control', true, []],
  ['X-Forwarded-For', true, []],
  ['keep-alive', false, []],
  ['close, keep-alive, upgrade', false, []],
  ['TE, Trailer, Transfer-Encoding', false, []],
  ['Upgrade, HTTP2-Settings', false, []],
  ['', false, []],
] as const)('RequestHead says what Connection: %j names', (value, names, hidden) => {
  const others = [
    ...['X-Drop: 1', 'Cookie: c', 'Content-Length: 0', 'Authorization: d', 'Cache-Control: e'],
    ...['X-Forwarded-For: f', 'Y: g'],
  ]
  const text = get(...others, `Connection: ${value}`)
  expect(accepted(text).head.hasConnectionNames).toBe(names)
  expect(dropped(text)).toEqual([...hidden, 'Connection'])
})

test('RequestHead marks what any of several Connection lines names, wherever it is', () => {
  const text = get('B: 1', 'Connection: A', 'A: 2', 'Connection: keep-alive, b')
  expect(dropped(text)).toEqual(['B', 'Connection', 'A', 'Connection'])
})

test('parseRequestHead() refuses a Connection that names more than anyone needs with 400', () => {
  const names = Array.from({ length: 40 }, (_, at) => `x-${at}`)
  expect(verdictOn(get(`Connection: ${names.slice(0, 32).join(', ')}`))).toBeGreaterThan(0)
  expect(verdictOn(get(`Connection: ${names.join(', ')}`))).toBe(-400)
  expect(verdictOn(get(...names.map((name) => `Connection: ${name}`)))).toBe(-400)
  expect(verdictOn(get(`Connection: ${','.repeat(40)}`))).toBe(-400)
})

test.each([
  ['GET', 1, ['Connection: Upgrade', 'Upgrade: websocket'], true],
  ['GET', 1, ['Connection: keep-alive, Upgrade', 'Upgrade: WebSocket'], true],
  ['GET', 1, ['Upgrade: websocket', 'Connection: upgrade', 'Content-Length: 0'], true],
  ['GET', 1, ['Upgrade: websocket'], false],
  ['GET', 1, ['Connection: Upgrade'], false],
  ['GET', 1, ['Connection: Upgraded', 'Upgrade: websocket'], false],
  ['GET', 1, ['Connection: Upgrade', 'Upgrade: h2c'], false],
  ['GET', 1, ['Connection: Upgrade', 'Upgrade: h2c, websocket'], false],
  ['GET', 1, ['Connection: Upgrade', 'Upgrade: websocket/13'], false],
  ['GET', 0, ['Connection: Upgrade', 'Upgrade: websocket'], false],
  ['POST', 1, ['Connection: Upgrade', 'Upgrade: websocket'], false],
  ['HEAD', 1, ['Connection: Upgrade', 'Upgrade: websocket'], false],
  ['POST', 1, ['Connection: Upgrade', 'Upgrade: websocket', 'Content-Length: 5'], false],
] as const)(
  'RequestHead.upgradesToWebSocket of %s 1.%i with %j is %s',
  (method, minor, lines, is) => {
    const { head } = accepted(message(`${method} / HTTP/1.${minor}`, 'Host: a', ...lines))
    expect(head.upgradesToWebSocket).toBe(is)
  },
)

test.each(['Content-Length: 5', 'Transfer-Encoding: chunked'])(
  'parseRequestHead() refuses an upgrade with %s with 400',
  (line) => {
    expect(verdictOn(get('Connection: Upgrade', 'Upgrade: websocket', line))).toBe(-400)
  },
)

test('KNOWN kinds of hop-by-hop headers hold whatever their case', () => {
  const text = get('KEEP-ALIVE: 1', 'proxy-Connection: a', 'http2-settings: b', 'Te: c', 'PROXY: d')
  expect(dropped(text)).toEqual(['KEEP-ALIVE', 'proxy-Connection', 'http2-settings', 'Te', 'PROXY'])
  const { head } = accepted(text)
  expect(head.kinds[1]).toBe(KNOWN.keepAlive)
})
