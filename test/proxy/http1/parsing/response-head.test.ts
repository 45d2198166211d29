import { expect, test } from 'vitest'
import { acceptedAnswer, answer, message, verdictOnAnswer } from './reading.ts'

test.each([
  ['HTTP/1.1 200 OK', 200, 1],
  ['HTTP/1.0 404 Not Found', 404, 0],
  ['HTTP/1.1 200 ', 200, 1],
  ['HTTP/1.1 200', 200, 1],
  ['HTTP/1.1 100 Continue', 100, 1],
  ['HTTP/1.1 999 LinkedIn', 999, 1],
  ['HTTP/1.1 200 \xc9\xe9\t !', 200, 1],
] as const)('parseResponseHead() accepts %j', (line, status, minor) => {
  expect(acceptedAnswer(message(line))).toMatchObject({ status, minor, count: 0 })
})

test('parseResponseHead() says where the reason is', () => {
  expect(acceptedAnswer('HTTP/1.1 404 Not Found\r\n\r\n')).toMatchObject({
    reasonFrom: 13,
    reasonTo: 22,
    end: 26,
  })
  expect(acceptedAnswer('HTTP/1.1 404\r\n\r\n')).toMatchObject({ reasonFrom: 12, reasonTo: 12 })
})

test.each([
  'HTTP/1.1 20 OK',
  'HTTP/1.1 2000 OK',
  'HTTP/1.1 2x0 OK',
  'HTTP/1.1 099 Low',
  'HTTP/1.1 000 None',
  'HTTP/1.1 -20 OK',
  'HTTP/1.1  200 OK',
  'HTTP/1.1\t200 OK',
  'HTTP/1.1 200\tOK',
  'HTTP/1.1 200OK',
  'HTTP/1.1 OK',
  'HTTP/1.2 200 OK',
  'HTTP/2.0 200 OK',
  'HTTP/2 200',
  'HTTP/1 200 OK',
  'HTTP/1.1200 OK',
  'http/1.1 200 OK',
  'ICY 200 OK',
  ' HTTP/1.1 200 OK',
  '\r\nHTTP/1.1 200 OK',
  'HTTP/1.1 200 O\0K',
  'HTTP/1.1 200 O\x1bK',
  'HTTP/1.1 200 O\rK',
  'HTTP/1.1 200 OK\nX: y',
  'HTTP/1.1 200 OK\r\r',
  '<html>',
  'SSH-2.0-OpenSSH_9.2',
] as const)('parseResponseHead() finds %j broken', (line) => {
  expect(verdictOnAnswer(message(line))).toBe(-1)
})

test.each([
  ['Content-Length: 5', 'Content-Length: 6'],
  ['Content-Length: 5', 'Content-Length: 5'],
  ['Content-Length: 5, 5'],
  ['Content-Length: -1'],
  ['Content-Length: 05'],
  ['Content-Length:'],
  ['Content-Length: 9007199254740992'],
  ['Content-Length: 5', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 5'],
  ['Transfer-Encoding: chunked, chunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: gzip, chunked'],
  ['Transfer-Encoding: chunked, gzip'],
  ['Transfer-Encoding: identity'],
  ['Transfer-Encoding: xchunked'],
  ['Transfer-Encoding:'],
  ['X: a\r\n b'],
  [' X: a'],
  ['X : a'],
  ['X y: a'],
  ['X'],
  [': a'],
  ['X: a\nY: b'],
  ['X: a\rSet-Cookie: b'],
  ['X: a\0b'],
  ['X: a\x07b'],
  ['X: a\x7fb'],
  ['X\x80: a'],
] as const)('parseResponseHead() finds the lines %j broken', (...lines) => {
  expect(verdictOnAnswer(answer(...lines))).toBe(-1)
})

test('parseResponseHead() finds chunks of HTTP/1.0 broken', () => {
  expect(verdictOnAnswer(message('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked'))).toBe(-1)
})

test.each([
  [['Content-Length: 5'], { contentLength: 5, chunked: false, hasHopByHop: false }],
  [['Transfer-Encoding: Chunked'], { contentLength: -1, chunked: true, hasHopByHop: false }],
  [[], { contentLength: -1, chunked: false, hasHopByHop: false, keepAlive: true }],
  [['Connection: close'], { keepAlive: false, hasHopByHop: true }],
  [['Connection: keep-alive'], { keepAlive: true, hasHopByHop: true, hasConnectionNames: false }],
  [['Connection: X-Drop', 'X-Drop: 1'], { hasHopByHop: true, hasConnectionNames: true }],
  [['Keep-Alive: timeout=5'], { hasHopByHop: true }],
  [['Proxy-Authenticate: Basic'], { hasHopByHop: true }],
  [['Trailer: X'], { hasHopByHop: true }],
  [['Upgrade: h2c'], { hasHopByHop: true, upgradesToWebSocket: false }],
  [['Upgrade: websocket', 'Connection: Upgrade'], { upgradesToWebSocket: true }],
  [['Upgrade: websocket'], { upgradesToWebSocket: false }],
  [['Set-Cookie: a', 'Set-Cookie: b', 'Host: c', 'Expect: d', 'Host: e'], { hasHopByHop: false }],
  [['Content_Length: 5'], { contentLength: -1, hasHopByHop: true }],
] as const)('ResponseHead of %j says %j', (lines, expected) => {
  expect(acceptedAnswer(answer(...lines))).toMatchObject(expected)
})

test('ResponseHead.keepAlive of HTTP/1.0 has to be said', () => {
  expect(acceptedAnswer(message('HTTP/1.0 200 OK')).keepAlive).toBe(false)
  const said = message('HTTP/1.0 200 OK', 'Connection: keep-alive')
  expect(acceptedAnswer(said).keepAlive).toBe(true)
})

test.each([
  ['text/event-stream', true],
  ['Text/Event-Stream', true],
  ['text/event-stream;charset=utf-8', true],
  ['text/event-stream ; charset=utf-8', true],
  ['text/event-streams', false],
  ['text/event', false],
  ['text-event-stream', false],
  ['application/text/event-stream', false],
  ['text/plain', false],
  ['', false],
] as const)('ResponseHead.isEventStream of %j is %s', (type, expected) => {
  expect(acceptedAnswer(answer(`Content-Type: ${type}`)).isEventStream).toBe(expected)
})

test.each(['', 'H', 'HTTP/1.1 20', 'HTTP/1.1 200', 'HTTP/1.1 200 OK\r', 'HTTP/1.1 200 OK\r\n\r'])(
  'parseResponseHead() wants more than %j',
  (text) => expect(verdictOnAnswer(text)).toBe(0),
)

test.each(['S', 'HTTP/1.2', 'HTTP/1.1 x', 'HTTP/1.1 200x', '\0'])(
  'parseResponseHead() finds %j broken before the rest has come',
  (text) => expect(verdictOnAnswer(text)).toBe(-1),
)
