import { broken, passes, passesOrRefuses, unfinished } from '../support/expectations.ts'
import { asks, ENDS, HIDDEN, type Step, says, type WireCase } from '../support/wire-case.ts'

const END = '0\r\n\r\n'

function post(body: string): string {
  return asks('POST /chunks HTTP/1.1', 'Transfer-Encoding: chunked') + body
}

const GOOD = [
  ['no chunk but the last', END, ''],
  ['a chunk of one byte', `1\r\nx\r\n${END}`, 'x'],
  ['several chunks', `3\r\nabc\r\n2\r\nde\r\n1\r\nf\r\n${END}`, 'abcdef'],
  ['sizes in hexadecimal', `a\r\n0123456789\r\n${END}`, '0123456789'],
  ['sizes in capitals', `A\r\n0123456789\r\n${END}`, '0123456789'],
  ['sizes with zeros before them', `0003\r\nabc\r\n${END}`, 'abc'],
  ['a last chunk of several zeros', '3\r\nabc\r\n000\r\n\r\n', 'abc'],
  ['a size of two digits', `1f\r\n${'y'.repeat(31)}\r\n${END}`, 'y'.repeat(31)],
  ['a chunk of line ends', `4\r\n\r\n\r\n\r\n${END}`, '\r\n\r\n'],
  ['a chunk that looks like the last', `5\r\n${END}\r\n${END}`, END],
  ['a large chunk', `10000\r\n${'z'.repeat(65_536)}\r\n${END}`, 'z'.repeat(65_536)],
  ['many chunks of one byte', `${'1\r\nq\r\n'.repeat(500)}${END}`, 'q'.repeat(500)],
] as const

const EXTENSIONS = [
  ['a name', '3;ext\r\nabc\r\n'],
  ['a name and a value', '3;ext=value\r\nabc\r\n'],
  ['a value in quotes', '3;ext="a value"\r\nabc\r\n'],
  ['a quoted semicolon', '3;ext="a;b"\r\nabc\r\n'],
  ['a quoted pair', '3;ext="a\\"b"\r\nabc\r\n'],
  ['two names', '3;a=1;b=2\r\nabc\r\n'],
] as const

const BAD = [
  ['a size that is no number', 'xyz\r\nabc\r\n'],
  ['a size of letters beyond hexadecimal', '3g\r\nabc\r\n'],
  ['a size with a sign', '+3\r\nabc\r\n'],
  ['a negative size', '-3\r\nabc\r\n'],
  ['a size with 0x', '0x3\r\nabc\r\n'],
  ['a size with h', '3h\r\nabc\r\n'],
  ['a size with a point', '3.0\r\nabc\r\n'],
  ['a size with an underscore', '1_0\r\n0123456789abcdef\r\n'],
  ['a size behind a blank', ' 3\r\nabc\r\n'],
  ['a size behind a tab', '\t3\r\nabc\r\n'],
  ['a blank behind a size', '3 \r\nabc\r\n'],
  ['a blank within a size', '1 0\r\n0123456789abcdef\r\n'],
  ['a size in quotes', '"3"\r\nabc\r\n'],
  ['a size that is missing', '\r\nabc\r\n'],
  ['a size of digits of another script', '\xd9\xa3\r\nabc\r\n'],
  ['a size with a NUL', '3\0\r\nabc\r\n'],
  ['a size of more than 64 bits', '10000000000000003\r\nabc\r\n'],
  ['a size of many zeros', `${'0'.repeat(400)}3\r\nabc\r\n`],
  ['a size that ends with LF alone', '3\nabc\r\n'],
  ['a size that ends with CR alone', '3\rabc\r\n'],
  ['a size that ends with CR CR LF', '3\r\r\nabc\r\n'],
  ['data that end with LF alone', '3\r\nabc\n'],
  ['data that end with CR alone', '3\r\nabc\r3\r\nabc\r\n'],
  ['data that end with nothing', '3\r\nabc3\r\nabc\r\n'],
  ['data longer than their size', '3\r\nabcd\r\n'],
  ['data longer than their size by a CR', '3\r\nabc\r\r\n'],
  ['data shorter than their size', '4\r\nabc\r\n3\r\nabc\r\n'],
  ['an empty line between chunks', '3\r\nabc\r\n\r\n3\r\nabc\r\n'],
  ['an extension without a semicolon', '3 ext\r\nabc\r\n'],
  ['an extension without a name', '3;\r\nabc\r\n'],
  ['an extension without a name but a value', '3;=x\r\nabc\r\n'],
  ['an extension with a bad name', '3;a@b\r\nabc\r\n'],
  ['an extension with an open quote', '3;a="b\r\nabc\r\n'],
  ['an extension with a line end in quotes', '3;a="\r\nabc\r\n"\r\n'],
  ['an extension with a bare LF', '3;a\nabc\r\n'],
  ['an extension with a bare CR', '3;a\rb\r\nabc\r\n'],
  ['an extension with a LF before its end', '3;a\n\r\nabc\r\n'],
  ['an extension with a NUL', '3;a=\0\r\nabc\r\n'],
  ['an extension with a control character', '3;a=\x01\r\nabc\r\n'],
] as const

const BAD_ENDS = [
  ['a last chunk that ends with LF alone', '0\n\r\n'],
  ['a last chunk and then LF alone', '0\r\n\n'],
  ['a last chunk with LF LF', '0\n\n'],
  ['a last chunk with a sign', '-0\r\n\r\n'],
  ['a last chunk with 0x', '0x0\r\n\r\n'],
  ['a last chunk and then CR alone', '0\r\n\rX'],
] as const

function ended(rows: readonly (readonly [string, string])[]): [string, readonly Step[]][] {
  return rows.map(([what, body]) => [
    `refuses ${what}`,
    [says(post(body) + (body.startsWith('0') ? HIDDEN : END + HIDDEN))],
  ])
}

export const chunked: readonly WireCase[] = [
  ...GOOD.map(([what, bytes, body]) => passes(`reads ${what}`, '9112 7.1', post(bytes), { body })),
  ...EXTENSIONS.map(([what, bytes]) =>
    passesOrRefuses(`passes no chunk extension of ${what} on`, '9112 7.1.1', post(bytes + END), {
      body: 'abc',
    }),
  ),
  passes(
    'knows where a chunked body ends and a request begins',
    '9112 7.1',
    post(`3\r\nabc\r\n${END}`) + asks('GET /next HTTP/1.1'),
    [{ body: 'abc' }, { method: 'GET', target: '/next' }],
  ),
  ...broken('9112 7.1', [400, 413, 431], ended(BAD)),
  ...broken('9112 7.1', [400, 413, 431], ended(BAD_ENDS)),
  ...broken(
    '9112 7.1.1',
    [400, 413, 431],
    [
      ['refuses an extension of 20,000 bytes', post(`3;${'e'.repeat(20_000)}\r\nabc\r\n${END}`)],
      [
        'refuses 40,000 bytes of extensions over many chunks',
        post(`${`1;${'e'.repeat(80)}\r\nx\r\n`.repeat(500)}${END}`),
      ],
    ],
  ),
  ...unfinished('9112 8', [
    ['completes no chunked body without its last chunk', [says(post('3\r\nabc\r\n')), ENDS]],
    ['completes no chunked body without its last line', [says(post('3\r\nabc\r\n0\r\n')), ENDS]],
    ['completes no chunked body that ends within a chunk', [says(post('9\r\nabc')), ENDS]],
    ['completes no chunked body that ends within a size', [says(post('9')), ENDS]],
    ['completes no chunked body that never begins', [says(post('')), ENDS]],
  ]),
]
