import { expect, test } from 'vitest'
import { accepted, get, message, post, verdictOn } from './reading.ts'

test.each([
  ['0', 0],
  ['1', 1],
  ['10', 10],
  ['4294967296', 4_294_967_296],
  ['9007199254740991', Number.MAX_SAFE_INTEGER],
] as const)('parseRequestHead() reads Content-Length: %s', (text, length) => {
  expect(accepted(post(`Content-Length: ${text}`)).head.contentLength).toBe(length)
  expect(accepted(get(`content-length:${text}`)).head).toMatchObject({
    contentLength: length,
    chunked: false,
    hasBody: length > 0,
  })
})

test.each([
  '',
  ' ',
  '00',
  '05',
  '010',
  '+5',
  '-5',
  '-0',
  '0x5',
  '5.0',
  '5e1',
  '1_0',
  '1 0',
  '5,',
  ',5',
  '5,5',
  '5, 5',
  '5;5',
  '5Z',
  'Z5',
  '"5"',
  'five',
  'NaN',
  'Infinity',
  '\xb2',
  '5\xa0',
  '\xa05',
  '5\t',
  '5 ',
  '9007199254740992',
  '9999999999999999',
  '18446744073709551621',
  '1'.repeat(400),
])('parseRequestHead() refuses Content-Length: %j with 400', (value) => {
  expect(verdictOn(post(`Content-Length: ${value}`))).toBe(-400)
})

test.each([
  ['Content-Length: 5', 'Content-Length: 5'],
  ['Content-Length: 5', 'Content-Length: 6'],
  ['Content-Length: 0', 'X: y', 'CONTENT-LENGTH: 0'],
  ['Content-Length:', 'Content-Length: 5'],
  ['Content-Length: 5', 'Content-Length:'],
  ['Content-Length: 5', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Content-Length: 5'],
  ['Transfer-Encoding: chunked', 'Content-Length: 0'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'],
  ['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'],
  ['Transfer-Encoding:', 'Content-Length: 5'],
  ['Content_Length: 5'],
  ['Transfer_Encoding: chunked'],
  ['transfer_encoding: x', 'Content-Length: 5'],
  ['content_LENGTH: 5', 'Content-Length: 5'],
] as const)('parseRequestHead() refuses the lines %j with 400', (...lines) => {
  expect(verdictOn(post(...lines))).toBe(-400)
})

test.each(['chunked', 'Chunked', 'CHUNKED', '\tchunked'])(
  'parseRequestHead() takes Transfer-Encoding: %j for chunks',
  (value) => {
    const { head } = accepted(post(`Transfer-Encoding: ${value}`))
    expect(head).toMatchObject({ chunked: true, contentLength: -1, hasBody: true })
  },
)

test.each([
  ['gzip', -501],
  ['identity', -501],
  ['xchunked', -501],
  ['chunkedx', -501],
  ['gzip, chunked', -501],
  ['gzip,chunked', -501],
  ['gzip , deflate ,chunked', -501],
  ['chunked, chunked', -400],
  ['chunked, gzip', -400],
  ['chunked ,gzip', -400],
  ['chunked, identity', -400],
  ['gzip, chunked, gzip', -400],
  ['', -400],
  [',', -400],
  [',chunked', -400],
  ['chunked,', -400],
  ['chunked, ,', -400],
  ['chunked;q=1', -400],
  ['chunked; a', -400],
  ['"chunked"', -400],
  ['chun ked', -400],
  ['chunked\t', -400],
  ['chunked ', -400],
  ['\xa0chunked', -400],
  ['chunked\x85', -400],
  ['\vchunked', -400],
  ['chunked\0', -400],
  ['chunked\r\n abc', -400],
  ['\r\n chunked', -400],
] as const)('parseRequestHead() refuses Transfer-Encoding: %j with %i', (value, verdict) => {
  expect(verdictOn(post(`Transfer-Encoding: ${value}`))).toBe(verdict)
})

test('parseRequestHead() refuses chunks from a client of HTTP/1.0 with 400', () => {
  const text = message('POST / HTTP/1.0', 'Host: a', 'Transfer-Encoding: chunked')
  expect(verdictOn(text)).toBe(-400)
})

test.each(['Content-Length', 'Transfer-Encoding'])(
  'parseRequestHead() takes no name that only resembles %s for it',
  (name) => {
    const others = [`X-${name}`, `${name}s`, name.replace('-', ''), name.replace('-', '.')]
    for (const other of others) {
      const { head } = accepted(post(`${other}: chunked`))
      expect(head).toMatchObject({ chunked: false, contentLength: -1, hasBody: false })
    }
  },
)

test.each([
  ['100-continue', true],
  ['100-Continue', true],
] as const)('parseRequestHead() tells that a client expects %s', (value, expected) => {
  const { head } = accepted(post(`Expect: ${value}`, 'Content-Length: 5'))
  expect(head.expectsContinue).toBe(expected)
  expect(
    accepted(post(`Expect: ${value}`, 'Transfer-Encoding: chunked')).head.expectsContinue,
  ).toBe(true)
})

test('parseRequestHead() does not let a client expect what it cannot use', () => {
  const expecting = ['Expect: 100-continue', 'Content-Length: 5']
  expect(accepted(post('Expect: 100-continue')).head.expectsContinue).toBe(false)
  const empty = post('Expect: 100-continue', 'Content-Length: 0')
  expect(accepted(empty).head.expectsContinue).toBe(false)
  const older = message('POST / HTTP/1.0', 'Host: a', ...expecting)
  expect(accepted(older).head.expectsContinue).toBe(false)
})

test.each(['', 'banana', '100', '100-continue, x', '100-continue;q=1', '200-ok', '"100-continue"'])(
  'parseRequestHead() refuses Expect: %j with 417',
  (value) => {
    expect(verdictOn(post(`Expect: ${value}`, 'Content-Length: 5'))).toBe(-417)
    expect(verdictOn(post('Expect: 100-continue', `Expect: ${value}`))).toBe(-417)
  },
)
