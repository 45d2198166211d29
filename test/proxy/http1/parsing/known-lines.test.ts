/** Lines that are known say what they would say if they were read again. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { KnownLines } from '../../../../proxy/http1/parsing/known-lines.ts'
import { parseRequestHead, RequestHead } from '../../../../proxy/http1/parsing/request-head.ts'
import { LIMITS } from './reading.ts'

const LINES = [
  'Host: shop.example',
  'Host: 10.0.0.1:8080',
  'Accept: */*',
  'User-Agent: someone/1.0 (of  the world) ',
  'Content-Length: 5',
  'Content-Length: 7',
  'Transfer-Encoding: chunked',
  'Content-Type: application/json',
  'Connection: close',
  'Connection: X-Mine, keep-alive',
  'X-Mine: yes',
  'Expect: 100-continue',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'X-Request-Id: 17',
  `Cookie: ${'a=b; '.repeat(50)}`,
]
const TARGETS = ['/', '/a/long/path?with=more', 'http://shop.example/x']

function parsed(text: string, known?: KnownLines): readonly [number, RequestHead] {
  const head = new RequestHead()
  const bytes = Buffer.from(text, 'latin1')
  return [parseRequestHead(bytes, 0, bytes.length, head, LIMITS, known), head]
}

/** All that a head says: what its arrays hold beyond its lines is of no account. */
function said({ section, isKnown: _, ...head }: RequestHead): unknown {
  const { count, fields, kinds, ...rest } = section
  const { isWebSocket, continues, expectsElse, hasFramingAlias, hasHopByHop } = section
  const bits = { isWebSocket, continues, expectsElse, hasFramingAlias, hasHopByHop }
  return {
    ...{ ...head, ...rest, ...bits, count },
    fields: [...fields.subarray(0, 4 * count)],
    kinds: [...kinds.subarray(0, count)],
  }
}

const lines = fc
  .array(fc.constantFrom(...LINES), { minLength: 1, maxLength: 30 })
  .map((chosen) => `${chosen.join('\r\n')}\r\n\r\n`)
const line = fc
  .tuple(fc.constantFrom('GET', 'POST'), fc.constantFrom(...TARGETS))
  .map(([method, target]) => `${method} ${target} HTTP/1.1\r\n`)

test('parseRequestHead() says the same of lines that it knows, and of all others', () => {
  fc.assert(
    fc.property(line, lines, line, fc.option(lines), (line, learnt, next, others) => {
      const known = new KnownLines()
      const [end, head] = parsed(line + learnt)
      if (end <= 0) return
      known.learn(Buffer.from(line + learnt), head.linesFrom, end, head.section)
      const text = `${next}${others ?? learnt}more`
      const [freshEnd, fresh] = parsed(text)
      const [againEnd, again] = parsed(text, known)
      expect(againEnd).toBe(freshEnd)
      if (freshEnd > 0) expect(said(again)).toEqual(said(fresh))
      if (others === null) expect(again.isKnown).toBe(true)
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['a byte is another', 'Host: a\r\nAccept: x\r\n\r\n'],
  ['a line is missing', 'Host: a\r\n\r\n'],
  ['a line is added', 'Host: a\r\nAccept: *\r\nX: y\r\n\r\n'],
  ['the end is yet to come', 'Host: a\r\nAccept: *\r\n'],
])('recall() does not know lines of which %s', (_, others) => {
  const learnt = 'Host: a\r\nAccept: *\r\n\r\n'
  const known = new KnownLines()
  const [end, head] = parsed(`GET / HTTP/1.1\r\n${learnt}`)
  known.learn(Buffer.from(`GET / HTTP/1.1\r\n${learnt}`), head.linesFrom, end, head.section)
  expect(parsed(`GET / HTTP/1.1\r\n${learnt}`, known)[1].isKnown).toBe(true)
  expect(parsed(`GET / HTTP/1.1\r\n${others}`, known)[1].isKnown).toBe(false)
})
