import { expect, test } from 'vitest'
import { parseRequestHead, RequestHead } from '../../../../proxy/http1/parsing/request-head.ts'
import { accepted, get, LIMITS, linesOf, message, verdictOn } from './reading.ts'

test('parseRequestHead() says where names and trimmed values are', () => {
  const { head, bytes } = accepted(get('A:b', 'C:  d e\t', 'F:', 'G: \t ', 'h-I_j:\tk:l'))
  const expected = ['Host', 'a', 'A', 'b', 'C', 'd e', 'F', '', 'G', '', 'h-I_j', 'k:l']
  expect(linesOf(head, bytes)).toEqual(expected)
  expect(head.end).toBe(bytes.length)
})

test('parseRequestHead() finds each line where the one before ends', () => {
  const { head, bytes } = accepted(get('A: b  ', 'C:', 'D:e'))
  const starts = Array.from({ length: head.count }, (_, at) => head.fields[4 * at] ?? 0)
  const lines = starts.map((from, at) =>
    bytes.toString('latin1', from, starts[at + 1] ?? head.end - 2),
  )
  expect(lines).toEqual(['Host: a\r\n', 'A: b  \r\n', 'C:\r\n', 'D:e\r\n'])
})

test('parseRequestHead() takes more lines than it had room for', () => {
  const many = Array.from({ length: 150 }, (_, at) => `X-${at}: ${at}`)
  const { head, bytes } = accepted(get(...many))
  expect(head.count).toBe(151)
  expect(linesOf(head, bytes).slice(-2)).toEqual(['X-149', '149'])
})

test.each([
  "!#$%&'*+-.^_`|~09azAZ: x",
  'X: visible !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
  'X: a\tb',
  'X: caf\xe9 \x80\xff',
  'X:',
  'X: :',
  `X: ${'a'.repeat(9_000)}`,
  `${'X'.repeat(9_000)}: a`,
  'constructor: a',
  '__proto__: a',
])('parseRequestHead() accepts the line %j', (line) => {
  expect(verdictOn(get(line))).toBeGreaterThan(0)
})

test.each([
  'X : y',
  'X\t: y',
  ' X: y',
  '\tX: y',
  'X Y: z',
  ': y',
  ':',
  'X',
  'X y',
  ' ',
  '\t',
  'X: a\r\n b',
  'X: a\r\n\tb',
  'X:\r\n b',
  'X: a\r\n \r\nY: b',
  'X: a\nb: c',
  'X: a\rb: c',
  'X: a\r\r',
  'X: a\r',
  '\rX: a',
  'X: a\n',
  'X:\n',
  'X: a\0b',
  'X: \x01',
  'X: \x08',
  'X: \v',
  'X: \f',
  'X: \x1b[0m',
  'X: \x1f',
  'X: \x7f',
  'X\0: y',
  'X\x7f: y',
  'X\x80: y',
  '\xefX: y',
  'X[0]: y',
  'X(y): z',
  'X/y: z',
  'X\\y: z',
  'X@y: z',
  'X"y": z',
  'X;y: z',
  'X,y: z',
  'X=y: z',
  'X?y: z',
  'X{y}: z',
  '<X>: y',
  'X\v: y',
])('parseRequestHead() refuses the line %j with 400', (line) => {
  expect(verdictOn(get(line, 'Z: z'))).toBe(-400)
})

test.each(Array.from({ length: 256 }, (_, byte) => byte))(
  'parseRequestHead() takes byte %i in names and values only where RFC 9110 does',
  (byte) => {
    const character = String.fromCharCode(byte)
    const inName = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(character)
    const inValue = byte === 9 || (byte >= 32 && byte !== 127)
    // A colon ends the name, and a second one begins nothing.
    if (byte !== 58) expect(verdictOn(get(`a${character}b: c`)) > 0).toBe(inName)
    expect(verdictOn(get(`a: b${character}c`)) > 0).toBe(inValue)
  },
)

test.each([
  'GET / HTTP/1.1\r\nHost: a\r\n\r',
  'GET / HTTP/1.1\r\nHost: a\r\n',
  'GET / HTTP/1.1\r\nHost: a\r',
  'GET / HTTP/1.1\r\nHost: a',
  'GET / HTTP/1.1\r\nHost:',
  'GET / HTTP/1.1\r\nHo',
  'GET / HTTP/1.1\r',
  'GET / HT',
  'GET / ',
  'GET /',
  'GET ',
  'GET',
  'G',
  '\r\n',
  '\r',
  '',
])('parseRequestHead() wants more than %j', (text) => {
  expect(verdictOn(text)).toBe(0)
})

test.each(['\r\n\rX', '\r\n\rHost: a\r\n\r\n', '\r\n\n', '\r\n\r\r\n'])(
  'parseRequestHead() refuses a head that ends with %j with 400',
  (end) => expect(verdictOn(`GET / HTTP/1.1\r\nHost: a${end}`)).toBe(-400),
)

test('parseRequestHead() leaves alone what is behind the head', () => {
  const { head } = accepted(`${get()}\0\n\r garbage`)
  expect(head.end).toBe(get().length)
})

test('parseRequestHead() reads from where it is told, and tells nothing of what was before', () => {
  const first = message('GET http://a/ HTTP/1.0', 'Host: a', 'Content-Length: 5', 'Connection: X')
  const second = get('A: b')
  const bytes = Buffer.from(first + second, 'latin1')
  const head = new RequestHead()
  const from = parseRequestHead(bytes, 0, bytes.length, head, LIMITS)
  expect(from).toBe(first.length)
  expect(parseRequestHead(bytes, from, bytes.length, head, LIMITS)).toBe(bytes.length)
  expect(linesOf(head, bytes)).toEqual(['Host', 'a', 'A', 'b'])
  expect(head).toMatchObject({ minor: 1, contentLength: -1, authorityFrom: -1, keepAlive: true })
  expect(head.hasConnectionNames).toBe(false)
})
