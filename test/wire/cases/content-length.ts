import { broken, passes, passesOrRefuses, refused, unfinished } from '../support/expectations.ts'
import { asks, ENDS, HIDDEN, says, type WireCase } from '../support/wire-case.ts'

function post(body: string, ...headers: readonly string[]): string {
  return asks('POST /len HTTP/1.1', ...headers) + body
}

const BAD = [
  ['with a plus sign', '+4'],
  ['with a minus sign', '-4'],
  ['of minus nothing', '-0'],
  ['in hexadecimal', '0x4'],
  ['with a letter behind it', '4b'],
  ['with a point', '4.0'],
  ['with an exponent', '4e0'],
  ['with an underscore', '1_0'],
  ['with a blank inside', '1 0'],
  ['with a tab inside', '1\t0'],
  ['of a word', 'four'],
  ['of nothing', ''],
  ['of two different numbers', '4, 5'],
  ['of a number and a comma', '4,'],
  ['of a comma and a number', ',4'],
  ['in quotes', '"4"'],
  ['with a semicolon', '4;x=y'],
  ['with a NUL', '4\0'],
  ['with a soft blank', '\xa04'],
  ['with digits of another script', '\xd9\xa4'],
  ['beyond 64 bits', '18446744073709551620'],
  ['of thirty nines', '9'.repeat(30)],
  ['beyond what numbers hold exactly', '9007199254740993000'],
  ['of infinity', 'Infinity'],
] as const

export const contentLength: readonly WireCase[] = [
  passes('reads exactly Content-Length bytes', '9112 6.3', post('12345', 'Content-Length: 5'), {
    body: '12345',
    framing: 'length',
  }),
  passes('takes Content-Length: 0', '9112 6.3', post('', 'Content-Length: 0'), { body: '' }),
  passes('takes a POST without any framing as one without a body', '9112 6.3', post(''), {
    body: '',
  }),
  passes(
    'passes a GET with a body on',
    '9110 9.3.1',
    `${asks('GET /b HTTP/1.1', 'Content-Length: 3')}abc`,
    {
      method: 'GET',
      body: 'abc',
    },
  ),
  passes(
    'passes a DELETE with a body on',
    '9110 9.3.5',
    `${asks('DELETE /b HTTP/1.1', 'Content-Length: 3')}abc`,
    {
      method: 'DELETE',
      body: 'abc',
    },
  ),
  passes('passes a body of every byte on', '9110 6.4', post(everyByte(), 'Content-Length: 256'), {
    body: everyByte(),
  }),
  passes(
    'takes a body that looks like a request for a body',
    '9112 6.3',
    post(HIDDEN, `Content-Length: ${HIDDEN.length}`),
    { body: HIDDEN },
  ),
  passes(
    'passes a body of 100,000 bytes on',
    '9110 6.4',
    post('x'.repeat(100_000), 'Content-Length: 100000'),
    {
      body: 'x'.repeat(100_000),
    },
  ),
  passes('reads the name in any case', '9110 5.1', post('abc', 'cOnTeNt-LeNgTh: 3'), {
    body: 'abc',
  }),
  passesOrRefuses(
    'reads over blanks around the number',
    '9112 5.1',
    post('abc', 'Content-Length: \t3 \t'),
    {
      body: 'abc',
      headers: [['content-length', '3']],
    },
  ),
  ...refused(
    '9110 8.6',
    400,
    BAD.map(([what, value]) => [
      `refuses a Content-Length ${what}`,
      post('12345678', `Content-Length: ${value}`),
    ]),
  ),
  ...refused('9112 6.3', 400, [
    ['refuses two different lengths', post('12345', 'Content-Length: 4', 'Content-Length: 5')],
    [
      'refuses two different lengths of which the first is larger',
      post('12345', 'Content-Length: 5', 'Content-Length: 4'),
    ],
    ['refuses a length and an empty one', post('12345', 'Content-Length: 5', 'Content-Length:')],
    [
      'refuses a length and one in other case',
      post('12345', 'Content-Length: 5', 'CONTENT-LENGTH: 4'),
    ],
    [
      'refuses two different lengths far apart',
      post(
        '12345',
        'Content-Length: 5',
        ...Array.from({ length: 50 }, (_, at) => `X-${at}: y`),
        'Content-Length: 4',
      ),
    ],
    [
      'refuses two different lengths on a GET',
      `${asks('GET /len HTTP/1.1', 'Content-Length: 0', `Content-Length: ${HIDDEN.length}`)}${HIDDEN}`,
    ],
    ['refuses a length with a blank before its colon', post('abcd', 'Content-Length : 4')],
    ['refuses a length without a colon', post('abcd', 'Content-Length 4')],
    ['refuses a length that is folded', post('abcd', 'Content-Length:', ' 4')],
    ['refuses a length behind a NUL in its name', post('abcd', 'Content-Length\0: 4')],
  ]),
  ...['4, 4', '04', '0004', '00'].map((value) =>
    passesOrRefuses(
      `passes the length ${value} on as one canonical number or not at all`,
      '9110 8.6',
      post('abcd'.slice(0, value === '00' ? 0 : 4), `Content-Length: ${value}`),
      { body: value === '00' ? '' : 'abcd' },
    ),
  ),
  passesOrRefuses(
    'passes two equal lengths on as one or not at all',
    '9112 6.3',
    post('abcd', 'Content-Length: 4', 'Content-Length: 4'),
    { body: 'abcd', headers: [['content-length', '4']] },
  ),
  passesOrRefuses(
    'drops no length because Connection names it',
    '9110 7.6.1',
    post(HIDDEN, 'Connection: Content-Length', `Content-Length: ${HIDDEN.length}`),
    { body: HIDDEN },
  ),
  ...unfinished('9112 8', [
    ['completes no request whose body ends early', [says(post('abc', 'Content-Length: 10')), ENDS]],
    ['completes no request whose body never begins', [says(post('', 'Content-Length: 10')), ENDS]],
    ['completes no request whose head ends early', [says('GET /x HTTP/1.1\r\nHost: wi'), ENDS]],
    ['completes no request whose line ends early', [says('GET /x HT'), ENDS]],
    [
      'completes no request without its empty line',
      [says('GET /x HTTP/1.1\r\nHost: wire.test\r\n'), ENDS],
    ],
    [
      'completes no request without the last LF',
      [says('GET /x HTTP/1.1\r\nHost: wire.test\r\n\r'), ENDS],
    ],
    ['closes when a client closes without a word', [ENDS]],
    ['closes when a client says an empty line and no more', [says('\r\n'), ENDS]],
  ]),
  ...broken(
    '9112 6.3',
    [400, 413],
    [
      [
        'takes no length that no machine could hold',
        post('abc', 'Content-Length: 9007199254740992'),
      ],
    ],
  ).map((wanted) => ({
    ...wanted,
    steps: [...wanted.steps, ENDS],
    client: { ...wanted.client, orCut: true },
  })),
]

function everyByte(): string {
  return String.fromCharCode(...Array.from({ length: 256 }, (_, code) => code))
}
