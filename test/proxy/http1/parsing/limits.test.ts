import { expect, test } from 'vitest'
import { ChunkedBody } from '../../../../proxy/http1/parsing/chunked-body.ts'
import { mayBeComplete } from '../../../../proxy/http1/parsing/request-head.ts'
import { answer, get, LIMITS, message, verdictOn, verdictOnAnswer } from './reading.ts'

const most = LIMITS.headerBytesMax

/** A head of exactly this many bytes. */
function sized(bytes: number): string {
  return get(`X: ${'a'.repeat(bytes - get('X: ').length)}`)
}

test('parseRequestHead() accepts a head of the size that is allowed, and none that is larger', () => {
  expect(verdictOn(sized(most))).toBe(most)
  expect(verdictOn(sized(most + 1))).toBe(-431)
  expect(verdictOn(sized(most).slice(0, -1))).toBe(0)
  expect(verdictOn(`${sized(most)}body`)).toBe(most)
})

test.each([
  ['a value', `GET / HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(most)}`],
  ['a name', `GET / HTTP/1.1\r\nHost: a\r\n${'a'.repeat(most)}`],
  ['blanks', `GET / HTTP/1.1\r\nHost: a\r\nX:${' '.repeat(most)}`],
  ['small lines', `GET / HTTP/1.1\r\nHost: a\r\n${`a: ${'b'.repeat(100)}\r\n`.repeat(170)}`],
] as const)('parseRequestHead() refuses a head that never ends, of %s, with 431', (_, text) => {
  expect(verdictOn(text)).toBe(-431)
})

test('parseRequestHead() refuses a target that fills the head with 414', () => {
  expect(verdictOn(`GET /${'a'.repeat(most)}`)).toBe(-414)
  expect(verdictOn(`GET /${'a'.repeat(most)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe(-414)
  expect(verdictOn(`GET /${'a'.repeat(most - 12)} HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe(-431)
})

test('parseRequestHead() accepts as many lines as are allowed, and no more', () => {
  const lines = Array.from({ length: LIMITS.headersMax }, () => 'a:')
  expect(verdictOn(get(...lines.slice(1)))).toBeGreaterThan(0)
  expect(verdictOn(get(...lines))).toBe(-431)
  const framed = get(...lines, ...lines, 'Content-Length: 41')
  expect(verdictOn(framed)).toBe(-431)
})

test('parseRequestHead() takes thousands of lines when they are allowed', () => {
  const lines = Array.from({ length: 2_500 }, () => 'a:')
  const limits = { headerBytesMax: 1_048_576, headersMax: 1_000_000 }
  const text = message('GET / HTTP/1.1', 'Host: a', ...lines, 'Content-Length: 41')
  expect(verdictOn(text, limits)).toBe(text.length)
})

test('parseResponseHead() finds an answer broken that is larger than allowed', () => {
  const value = 'a'.repeat(most)
  expect(verdictOnAnswer(answer(`X: ${value}`))).toBe(-1)
  expect(verdictOnAnswer(`HTTP/1.1 200 ${value}`)).toBe(-1)
  const lines = Array.from({ length: LIMITS.headersMax + 1 }, () => 'a: b')
  expect(verdictOnAnswer(answer(...lines))).toBe(-1)
  expect(verdictOnAnswer(answer(...lines.slice(1)))).toBeGreaterThan(0)
})

test.each([
  ['1;a=b\r\nx\r\n', 200],
  [`1;${'a'.repeat(600)}\r\nx\r\n`, 1],
  [`1;a="${'b'.repeat(600)}"\r\nx\r\n`, 1],
  [`1${';a'.repeat(300)}\r\nx\r\n`, 1],
] as const)('ChunkedBody bounds what extensions a body may have: %j', (chunk, times) => {
  const body = new ChunkedBody()
  const bytes = Buffer.from(chunk.repeat(times))
  body.scan(bytes, 0, bytes.length)
  expect(body.broken).toBe(true)
})

test('ChunkedBody bounds its trailers, however they come', () => {
  for (const trailers of ['X: y\r\n'.repeat(100), `X: ${'y'.repeat(9_000)}`]) {
    const bytes = Buffer.from(`0\r\n${trailers}\r\n\r\n`)
    for (const step of [bytes.length, 1, 700]) {
      const body = new ChunkedBody()
      for (let at = 0; at < bytes.length; at += step) {
        body.scan(bytes, at, Math.min(bytes.length, at + step))
      }
      expect(body.broken).toBe(true)
    }
  }
})

test.each([
  ['', false],
  ['GET / HTTP/1.1', false],
  ['GET / HTTP/1.1\r\nHost: a\r\n', false],
  ['GET / HTTP/1.1\r\nHost: a\r\n\r', false],
  ['GET / HTTP/1.1\r\nHost: a\r\n\r\n', true],
  ['GET / HTTP/1.1\r\nHost: a\r\n\r\nbody', true],
  ['GET / HTTP/1.1\n', true],
  ['\n', true],
] as const)('mayBeComplete() of %j is %s', (text, expected) => {
  const bytes = Buffer.from(text)
  expect(mayBeComplete(bytes, 0, bytes.length)).toBe(expected)
})

test('mayBeComplete() sees a head end whose bytes came one by one', () => {
  const bytes = Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  const seen = Array.from({ length: bytes.length }, (_, at) => mayBeComplete(bytes, at, at + 1))
  expect(seen.indexOf(true)).toBe(bytes.length - 1)
})
