import { expect, test } from 'vitest'
import { ChunkedBody } from '../../../../proxy/http1/parsing/chunked-body.ts'
import { readChunks } from './chunk-reading.ts'

test.each([
  ['0\r\n\r\n', ''],
  ['5\r\nhello\r\n0\r\n\r\n', 'hello'],
  ['1\r\na\r\n2\r\nbc\r\n0\r\n\r\n', 'abc'],
  ['0000000a\r\n0123456789\r\n00000000\r\n\r\n', '0123456789'],
  ['A\r\n0123456789\r\n0\r\n\r\n', '0123456789'],
  ['7\r\n0\r\n\r\n\r\n\r\n0\r\n\r\n', '0\r\n\r\n\r\n'],
  [`3e8\r\n${'x'.repeat(1_000)}\r\n0\r\n\r\n`, 'x'.repeat(1_000)],
] as const)('ChunkedBody passes %j on as it is', (text, data) => {
  const read = readChunks(`${text}GET`)
  expect(read).toEqual({ end: 'done', data, passedOn: text, rest: 'GET', clean: true })
})

test.each([
  ['5;a\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ['5;a=b;c="d e";f\r\nhello\r\n0;g\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ['5;a="\\"\\\\;\t\xe9"\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ['5;a=""\r\nhello\r\n0\r\n\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ["5;!#$%&'*+-.^_`|~=x\r\nhello\r\n0\r\n\r\n", '5\r\nhello\r\n0\r\n\r\n'],
  ['5\r\nhello\r\n0\r\nX: y\r\n\r\n', '5\r\nhello\r\n0\r\nX: y\r\n\r\n'],
  ['5\r\nhello\r\n0\r\nX:y \t\r\nZ:\r\n\r\n', '5\r\nhello\r\n0\r\nX:y\r\nZ:\r\n\r\n'],
] as const)('ChunkedBody passes %j on without what means nothing', (text, passedOn) => {
  const read = readChunks(`${text}GET`)
  expect(read).toEqual({ end: 'done', data: 'hello', passedOn, rest: 'GET', clean: false })
})

test.each([
  'Host: a',
  'Connection: close',
  'X-Forwarded-For: 1.2.3.4',
  'X_Forwarded_For: 1.2.3.4',
  'X-Real-IP: 1.2.3.4',
  'Forwarded: for=1.2.3.4',
  'X-Request-Id: a',
  'traceparent: a',
  'Authorization: Basic eA==',
  'Proxy-Authorization: Basic eA==',
  'Cookie: a=b',
  'Set-Cookie: a=b',
  'Content-Type: text/html',
  'Content-Encoding: gzip',
  'Content-Range: bytes 0-1/2',
  'Content_Length: 5',
  'Transfer_Encoding: chunked',
  'Cache-Control: no-store',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'TE: trailers',
  'Trailer: X',
  'Keep-Alive: timeout=5',
  'Location: http://evil.example/',
  'If-Match: *',
  'Range: bytes=0-',
  'Max-Forwards: 0',
])('ChunkedBody drops the trailer %j', (line) => {
  const read = readChunks(`0\r\nA: 1\r\n${line}\r\nB: 2\r\n\r\n`)
  expect(read).toMatchObject({ end: 'done', passedOn: '0\r\nA: 1\r\nB: 2\r\n\r\n' })
})

test('ChunkedBody drops the trailers that Connection names among them', () => {
  const read = readChunks('0\r\nConnection: A\r\nA: 1\r\nB: 2\r\n\r\n')
  expect(read).toMatchObject({ end: 'done', passedOn: '0\r\nB: 2\r\n\r\n' })
})

test.each([
  '\r\n',
  'x\r\n',
  'G\r\n',
  '+5\r\nhello\r\n',
  '-1\r\n',
  '0x5\r\nhello\r\n',
  '5h\r\nhello\r\n',
  ' 5\r\nhello\r\n',
  '5 \r\nhello\r\n',
  '5\t\r\nhello\r\n',
  '0 5\r\nhello\r\n',
  '5 ;a\r\nhello\r\n',
  '5; a\r\nhello\r\n',
  '5;a =b\r\nhello\r\n',
  '5;a= b\r\nhello\r\n',
  '5;a b\r\nhello\r\n',
  '5,a\r\nhello\r\n',
  '000000005\r\nhello\r\n',
  '000000000\r\n\r\n',
  '100000000\r\n',
  'ffffffffffffffff\r\n',
  '5\nhello\r\n',
  '5\rhello\r\n',
  '5\r\rhello\r\n',
  '5\n\r\nhello\r\n',
  '5\r\nhelloX\r\n',
  '5\r\nhello\n0\r\n\r\n',
  '5\r\nhello\rX0\r\n\r\n',
  '5\r\nhello0\r\n\r\n',
  '5\r\nhelloXX0\r\n\r\n',
  '5\r\nhello\r\n\r\n0\r\n\r\n',
  '4\r\nhello\r\n0\r\n\r\n',
  '5;\r\nhello\r\n',
  ';a\r\n',
  '5;;a\r\nhello\r\n',
  '5;a;\r\nhello\r\n',
  '5;=b\r\nhello\r\n',
  '5;a=\r\nhello\r\n',
  '5;a=b=c\r\nhello\r\n',
  '5;a="b\r\nhello\r\n',
  '5;a="b"c\r\nhello\r\n',
  '5;a=b"c"\r\nhello\r\n',
  '5;"a"=b\r\nhello\r\n',
  "5;a='b c'\r\nhello\r\n",
  '5;a[]=b\r\nhello\r\n',
  '5;a=\0\r\nhello\r\n',
  '5;a=\x01\r\nhello\r\n',
  '5;a="\0"\r\nhello\r\n',
  '5;a="\\\0"\r\nhello\r\n',
  '5;a="\x7f"\r\nhello\r\n',
  '5;a=\xe9\r\nhello\r\n',
  '5;a\nhello\r\n',
  '5;a\rhello\r\n',
  '5;a="b\nc"\r\nhello\r\n',
  '0\n\n',
  '0\r\n\n',
  '0\n\r\n',
  '0\r\n\rX',
  '0\r\n\r\r\n',
  '0\r\n \r\n',
  '0\r\n X: y\r\n\r\n',
  '0\r\nBad Trailer\r\n\r\n',
  '0\r\nX\r\n\r\n',
  '0\r\nX : y\r\n\r\n',
  '0\r\n: y\r\n\r\n',
  '0\r\nX: a\r\n b\r\n\r\n',
  '0\r\nX: a\nY: b\r\n\r\n',
  '0\r\nX: a\rY: b\r\n\r\n',
  '0\r\nX: \0\r\n\r\n',
  '0\r\nX\x80: y\r\n\r\n',
  '0\r\nX: y\r\n\n',
  '0\r\nX: y\r\n\rZ',
  '0\r\nContent-Length: 5\r\n\r\n',
  '0\r\nContent-Length: x\r\n\r\n',
  '0\r\nTransfer-Encoding: chunked\r\n\r\n',
  '0\r\nTransfer-Encoding: gzip\r\n\r\n',
  '0\0\r\n\r\n',
  '\0',
])('ChunkedBody finds %j broken', (text) => {
  expect(readChunks(text).end).toBe('broken')
  const places = Array.from({ length: text.length }, (_, at) => at)
  expect(readChunks(`${text}\r\n\r\n`, places).end).toBe('broken')
})

test('ChunkedBody passes nothing on from where it is broken', () => {
  const read = readChunks('1\r\na\r\n1\r\nb\nGET /canary')
  expect(read).toMatchObject({ end: 'broken', data: 'ab', passedOn: '1\r\na\r\n1\r\nb' })
})

test.each([
  ['', ''],
  ['5', ''],
  ['5\r\nhel', 'hel'],
  ['5\r\nhello\r\n', 'hello'],
  ['5\r\nhello\r\n0\r\n', 'hello'],
  ['5\r\nhello\r\n0\r\n\r', 'hello'],
  ['ffffffff\r\nx', 'x'],
] as const)('ChunkedBody waits for more behind %j', (text, data) => {
  expect(readChunks(text)).toMatchObject({ end: 'open', data, passedOn: text, rest: '' })
})

test('ChunkedBody keeps trailers back until they are complete', () => {
  const read = readChunks('5;a\r\nhello\r\n0\r\nX: y\r\n')
  expect(read).toMatchObject({ end: 'open', passedOn: '5\r\nhello\r\n0\r\n', rest: '' })
})

test('ChunkedBody begins anew, whatever was before', () => {
  const body = new ChunkedBody()
  for (const text of ['5;a\r\nhel', '0\r\nX: y\r\n\r\n', 'broken', '3\r\nabc\r\n0\r\n\r\n']) {
    body.reset()
    const bytes = Buffer.from(text)
    body.scan(bytes, 0, bytes.length)
  }
  expect(body).toMatchObject({ done: true, broken: false, clean: true })
  expect(body.data.toString()).toBe('abc')
})

test('ChunkedBody takes nothing once it is done or broken', () => {
  for (const text of ['0\r\n\r\n', 'x']) {
    const body = new ChunkedBody()
    const bytes = Buffer.from(text)
    body.scan(bytes, 0, bytes.length)
    expect(body.scan(bytes, 0, bytes.length)).toBe(0)
    expect(body.clean).toBe(true)
    expect(body.rewritten).toHaveLength(0)
    expect(body.data).toHaveLength(0)
  }
})
