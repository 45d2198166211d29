import { passes, passesOrRefuses, refused } from '../support/expectations.ts'
import { asks, gets, HIDDEN, HOST, type WireCase } from '../support/wire-case.ts'

const TCHARS = "!#$%&'*+-.^_`|~09azAZ"

export const headerLines: readonly WireCase[] = [
  passes('passes a header with every character of a token on', '9110 5.1', gets(`${TCHARS}: x`), {
    headers: [[TCHARS.toLowerCase(), 'x']],
  }),
  passes('passes an empty value on', '9110 5.5', gets('X-Empty:'), { headers: [['x-empty', '']] }),
  passes('passes a value of colons on', '9110 5.5', gets('X-A: ::a:b::'), {
    headers: [['x-a', '::a:b::']],
  }),
  passes('passes a value without a blank before it on', '9110 5.5', gets('X-A:b'), {
    headers: [['x-a', 'b']],
  }),
  passes('passes a tab within a value on', '9110 5.5', gets('X-A: b\tc'), {
    headers: [['x-a', 'b\tc']],
  }),
  passes('reads over blanks around a value', '9112 5.1', gets('X-A: \t b c \t '), {
    headers: [['x-a', 'b c']],
  }),
  passes('passes bytes beyond ASCII in a value on', '9110 5.5', gets('X-A: \xc3\xa9\xff'), {
    headers: [['x-a', '\xc3\xa9\xff']],
  }),
  passes('passes every line of a repeated header on', '9110 5.3', gets('X-A: 1', 'X-A: 2'), {
    headers: [
      ['x-a', '1'],
      ['x-a', '2'],
    ],
  }),
  passes('passes quotes in a value on', '9110 5.6.4', gets('X-A: "b\\"c", d'), {
    headers: [['x-a', '"b\\"c", d']],
  }),
  passes(
    'passes headers named like parts of objects on',
    '9110 5.1',
    gets('__proto__: a', 'constructor: b'),
    {
      headers: [
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ],
    },
  ),
  passes('passes a header of one letter on', '9110 5.1', gets('a: b'), { headers: [['a', 'b']] }),
  passes('passes a value of 8,000 bytes on', '9110 5.4', gets(`X-Long: ${'v'.repeat(8_000)}`), {
    headers: [['x-long', 'v'.repeat(8_000)]],
  }),
  ...refused('9112 5.1', 400, [
    ['refuses a blank before a colon', gets('X-A : b')],
    ['refuses a tab before a colon', gets('X-A\t: b')],
    ['refuses an empty name', gets(': b')],
    ['refuses a name of a blank', gets(' : b')],
    ['refuses a line without a colon', gets('X-A')],
    ['refuses a line of a colon alone', gets(':')],
    ['refuses a blank within a name', gets('X A: b')],
    ['refuses a name in brackets', gets('(X-A): b')],
    ['refuses a name with a slash', gets('X/A: b')],
    ['refuses a name with an equals sign', gets('X=A: b')],
    ['refuses a name with a semicolon', gets('X;A: b')],
    ['refuses a name with a comma', gets('X,A: b')],
    ['refuses a name with an at sign', gets('X@A: b')],
    ['refuses a name with a backslash', gets('X\\A: b')],
    ['refuses a name with a brace', gets('X{A}: b')],
    ['refuses a name with a quote', gets('"X-A": b')],
    ['refuses a name with a NUL', gets('X\0A: b')],
    ['refuses a name with DEL', gets('X\x7fA: b')],
    ['refuses a name with a letter beyond ASCII', gets('X-\xc4: b')],
    ['refuses a name that begins with a byte order mark', gets('\xef\xbb\xbfX-A: b')],
  ]),
  ...refused('9112 5.2', 400, [
    ['refuses a value that goes on after a blank', gets('X-A: b', ' c')],
    ['refuses a value that goes on after a tab', gets('X-A: b', '\tc')],
    ['refuses a value that begins on the next line', gets('X-A:', ' b')],
    ['refuses a line of blanks', gets('X-A: b', '  ')],
    ['refuses a line of a tab', gets('X-A: b', '\t', 'X-B: c')],
    [
      'refuses a framing header hidden in a fold',
      `${gets('X-A: b', ' Content-Length: 44')}${HIDDEN}`,
    ],
  ]),
  ...refused('9110 5.5', 400, [
    ['refuses a NUL in a value', gets('X-A: b\0c')],
    ['refuses a NUL at the end of a value', gets('X-A: b\0')],
    ['refuses a bell in a value', gets('X-A: b\x07c')],
    ['refuses a backspace in a value', gets('X-A: b\bc')],
    ['refuses a vertical tab in a value', gets('X-A: b\vc')],
    ['refuses a form feed before a value', gets('X-A:\fb')],
    ['refuses an escape in a value', gets('X-A: \x1b[2J')],
    ['refuses DEL in a value', gets('X-A: b\x7f')],
  ]),
  ...refused('9112 2.2', 400, [
    ['refuses a bare CR in a value', gets('X-A: b\rc')],
    ['refuses a bare CR that hides a header', gets('X-A: b\rX-B: c')],
    ['refuses a bare LF that hides a header', gets('X-A: b\nX-B: c')],
    ['refuses a bare LF behind a value', `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\nX-B: c\r\n\r\n`],
    ['refuses two CR behind a value', `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\r\r\nX-B: c\r\n\r\n`],
    ['refuses a CR at the start of a line', `GET /x HTTP/1.1\r\n${HOST}\r\n\rX-A: b\r\n\r\n`],
    [
      'refuses a request hidden behind two bare LF',
      `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\n\n${HIDDEN}`,
    ],
    ['refuses a CR before a name', `GET /x HTTP/1.1\r\n${HOST}\r\nX-A: b\r\n\rX-B: c\r\n\r\n`],
  ]),
  passesOrRefuses(
    'never takes a header with an underscore for its twin with a hyphen',
    '9110 5.1',
    `${asks('POST /u HTTP/1.1', 'Content_Length: 999', 'Content-Length: 3')}abc`,
    { body: 'abc', lacks: ['content_length'] },
  ),
  passesOrRefuses(
    'never frames by Transfer_Encoding',
    '9110 5.1',
    `${asks('POST /u HTTP/1.1', 'Transfer_Encoding: chunked', 'Content-Length: 5')}0\r\n\r\n`,
    { body: '0\r\n\r\n', lacks: ['transfer_encoding'] },
  ),
]
