import { broken, passes, passesOrRefuses, refused } from '../support/expectations.ts'
import { asks, gets, HIDDEN, HOST, lines, type WireCase } from '../support/wire-case.ts'

const TOO_LARGE = [400, 413, 414, 431]

function many(count: number, line: (at: number) => string): readonly string[] {
  return Array.from({ length: count }, (_, at) => line(at))
}

export const limits: readonly WireCase[] = [
  passes('takes 150 headers', '9110 5.4', gets(...many(150, (at) => `X-${at}: ${at}`)), {
    headers: [
      ['x-0', '0'],
      ['x-149', '149'],
    ],
  }),
  passes('takes a target of 4,000 bytes', '9112 3', asks(`GET /${'t'.repeat(3_999)} HTTP/1.1`), {
    target: `/${'t'.repeat(3_999)}`,
  }),
  passes('takes a cookie of 4,096 bytes', '6265 6.1', gets(`Cookie: a=${'c'.repeat(4_094)}`), {
    headers: [['cookie', `a=${'c'.repeat(4_094)}`]],
  }),
  passesOrRefuses(
    'takes or refuses a name of 300 bytes',
    '9110 5.4',
    gets(`${'n'.repeat(300)}: 1`),
    {
      headers: [['n'.repeat(300), '1']],
    },
  ),
  passesOrRefuses(
    'takes a long name that begins like a framing header for no framing header',
    '9110 5.1',
    gets(`content-length${'0'.repeat(256)}: 44`),
    { body: '', framing: 'none' },
  ),
  ...refused('6585 5', TOO_LARGE, [
    ['refuses a value of 40,000 bytes', gets(`X-Big: ${'v'.repeat(40_000)}`)],
    ['refuses a name of 40,000 bytes', gets(`${'n'.repeat(40_000)}: 1`)],
    ['refuses a value of 40,000 blanks', gets(`X-Big: ${' '.repeat(40_000)}x`)],
    ['refuses a cookie of 40,000 bytes', gets(`Cookie: ${'c'.repeat(40_000)}`)],
    ['refuses 400 headers of 60 bytes', gets(...many(400, (at) => `X-${at}: ${'v'.repeat(52)}`))],
    ['refuses 600 short headers', gets(...many(600, () => 'a: b'))],
    ['refuses 2,200 empty headers', gets(...many(2_200, () => 'a:'))],
    [
      'refuses a length behind 2,100 headers',
      `${asks('POST /l HTTP/1.1', ...many(2_100, () => 'a:'), `Content-Length: ${HIDDEN.length}`)}${HIDDEN}`,
    ],
    [
      'refuses a length behind 2,100 headers of a GET',
      `${gets(...many(2_100, () => 'b:'), `Content-Length: ${HIDDEN.length}`)}${HIDDEN}`,
    ],
    [
      'refuses chunks behind 2,100 headers',
      `${asks('PUT /l HTTP/1.1', ...many(2_100, () => 'c:'), 'Transfer-Encoding: chunked')}0\r\n\r\n`,
    ],
    [
      'refuses a Host behind 2,100 headers',
      lines('GET /l HTTP/1.1', ...many(2_100, () => 'd:'), HOST),
    ],
    [
      'refuses a head without an end',
      `GET /l HTTP/1.1\r\n${HOST}\r\nX-Endless: ${'e'.repeat(60_000)}`,
    ],
    ['refuses headers without an end', `GET /l HTTP/1.1\r\n${'X-A: b\r\n'.repeat(8_000)}`],
  ]),
  ...refused('9112 3', TOO_LARGE, [
    ['refuses a target of 40,000 bytes', asks(`GET /${'t'.repeat(40_000)} HTTP/1.1`)],
    ['refuses a query of 40,000 bytes', asks(`GET /?${'q'.repeat(40_000)} HTTP/1.1`)],
    ['refuses a target without an end', `GET /${'t'.repeat(60_000)}`],
    [
      'refuses an absolute target of 40,000 bytes',
      asks(`GET http://wire.test/${'t'.repeat(40_000)} HTTP/1.1`),
    ],
  ]),
  ...refused(
    '9112 3',
    [400, 414, 431, 501],
    [
      ['refuses a method without an end', 'M'.repeat(60_000)],
      ['refuses a method of 30,000 bytes', asks(`${'M'.repeat(30_000)} /x HTTP/1.1`)],
    ],
  ),
  ...refused(
    '9112 3',
    [400, 404, 421, 431],
    [['refuses a Host of 10,000 bytes', lines('GET /l HTTP/1.1', `Host: ${'h'.repeat(10_000)}`)]],
  ).map((wanted) => ({ ...wanted, client: { ...wanted.client, ending: 'either' as const } })),
  ...broken(
    '9112 7.1.2',
    [400, 413, 431],
    [
      [
        'refuses 2,000 trailers',
        `${asks('POST /l HTTP/1.1', 'Transfer-Encoding: chunked')}0\r\n${'X-T: 123456789\r\n'.repeat(2_000)}\r\n`,
      ],
    ],
  ),
]
