import { passes, passesOrRefuses, refused } from '../support/expectations.ts'
import { asks, HIDDEN, HOST, lines, type WireCase } from '../support/wire-case.ts'

const END = '0\r\n\r\n'
const HIDDEN_SIZE = HIDDEN.length.toString(16)

function post(body: string, ...headers: readonly string[]): string {
  return asks('POST /te HTTP/1.1', ...headers) + body
}

const CODINGS = [
  ['gzip', 'gzip'],
  ['identity', 'identity'],
  ['an unknown coding', 'fancy'],
  ['gzip before chunked', 'gzip, chunked'],
  ['chunked before gzip', 'chunked, gzip'],
  ['chunked twice', 'chunked, chunked'],
  ['chunked and a comma', 'chunked,'],
  ['a comma and chunked', ', chunked'],
  ['chunked with a parameter', 'chunked;q=1'],
  ['chunked in quotes', '"chunked"'],
  ['a word that ends with chunked', 'notchunked'],
  ['a word that begins with chunked', 'chunkedly'],
  ['chunked with a letter beyond ASCII', 'chunk\xebd'],
  ['chunked with a point', 'chunked.'],
  ['nothing', ''],
  ['a comma', ','],
  ['trailers', 'trailers'],
  ['cow', 'cow, moo'],
] as const

export const transferEncoding: readonly WireCase[] = [
  passes(
    'reads Transfer-Encoding: chunked',
    '9112 6.1',
    post(`3\r\nabc\r\n${END}`, 'Transfer-Encoding: chunked'),
    {
      body: 'abc',
    },
  ),
  passes(
    'reads the coding in any case',
    '9112 7',
    post(`3\r\nabc\r\n${END}`, 'Transfer-Encoding: CHUNKED'),
    {
      body: 'abc',
    },
  ),
  passes(
    'reads the name of a transfer coding in any case',
    '9110 5.1',
    post(`3\r\nabc\r\n${END}`, 'TRANSFER-ENCODING: chunked'),
    {
      body: 'abc',
    },
  ),
  passesOrRefuses(
    'reads over blanks around the coding',
    '9112 5.1',
    post(`3\r\nabc\r\n${END}`, 'Transfer-Encoding:\t chunked \t'),
    {
      body: 'abc',
    },
  ),
  passes(
    'passes a chunked GET on',
    '9110 9.3.1',
    `${asks('GET /te HTTP/1.1', 'Transfer-Encoding: chunked')}3\r\nabc\r\n${END}`,
    {
      method: 'GET',
      body: 'abc',
    },
  ),
  ...refused(
    '9112 6.1',
    [400, 501],
    CODINGS.map(([what, value]) => [
      `refuses the transfer coding of ${what}`,
      post(END + HIDDEN, `Transfer-Encoding: ${value}`),
    ]),
  ),
  ...refused(
    '9112 6.3',
    [400, 501],
    CODINGS.slice(0, 12).map(([what, value]) => [
      `refuses the transfer coding of ${what} beside a length`,
      post(
        END + HIDDEN,
        `Content-Length: ${END.length + HIDDEN.length}`,
        `Transfer-Encoding: ${value}`,
      ),
    ]),
  ),
  ...refused('9112 6.3', 400, [
    [
      'refuses a length before a transfer coding',
      post(`5\r\nabcde\r\n${END}`, 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    ],
    [
      'refuses a length behind a transfer coding',
      post(`5\r\nabcde\r\n${END}`, 'Transfer-Encoding: chunked', 'Content-Length: 5'),
    ],
    [
      'refuses a length of nothing beside a transfer coding',
      post(END, 'Content-Length: 0', 'Transfer-Encoding: chunked'),
    ],
    [
      'refuses both framings that agree',
      post(`3\r\nabc\r\n${END}`, 'Content-Length: 13', 'Transfer-Encoding: chunked'),
    ],
    [
      'refuses both framings on a GET',
      `${asks('GET /te HTTP/1.1', 'Transfer-Encoding: chunked', 'Content-Length: 2')}${HIDDEN_SIZE}\r\n${HIDDEN}\r\n${END}`,
    ],
    [
      'refuses both framings far apart',
      post(
        END,
        'Content-Length: 5',
        ...Array.from({ length: 60 }, (_, at) => `X-${at}: y`),
        'Transfer-Encoding: chunked',
      ),
    ],
    [
      'refuses both framings with a length that is none',
      post(END, 'Content-Length: x', 'Transfer-Encoding: chunked'),
    ],
  ]),
  ...refused(
    '9112 6.1',
    [400, 501],
    [
      [
        'refuses two transfer codings',
        post(END, 'Transfer-Encoding: chunked', 'Transfer-Encoding: gzip'),
      ],
      [
        'refuses two transfer codings of which the last is chunked',
        post(END, 'Transfer-Encoding: gzip', 'Transfer-Encoding: chunked'),
      ],
      [
        'refuses chunked on two lines',
        post(END, 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'),
      ],
      [
        'refuses chunked and an empty line of it',
        post(END, 'Transfer-Encoding: chunked', 'Transfer-Encoding:'),
      ],
      [
        'refuses chunked in HTTP/1.0',
        lines('POST /te HTTP/1.0', HOST, 'Transfer-Encoding: chunked') + END,
      ],
      [
        'refuses chunked in HTTP/1.0 that is kept alive',
        lines('POST /te HTTP/1.0', HOST, 'Connection: keep-alive', 'Transfer-Encoding: chunked') +
          END +
          HIDDEN,
      ],
    ],
  ),
  ...refused(
    '9112 5.1',
    [400, 501],
    [
      [
        'refuses a transfer coding with a blank before its colon',
        post(END, 'Transfer-Encoding : chunked'),
      ],
      [
        'refuses a transfer coding with a tab before its colon',
        post(END, 'Transfer-Encoding\t: chunked'),
      ],
      ['refuses a transfer coding without a colon', post(END, 'Transfer-Encoding chunked')],
      ['refuses a transfer coding that is folded', post(END, 'Transfer-Encoding:', ' chunked')],
      [
        'refuses a transfer coding that goes on after a fold',
        post(END, 'Transfer-Encoding: chunked', ' , gzip'),
      ],
      [
        'refuses a transfer coding in a fold of another header',
        post(END, 'X-A: b', ' Transfer-Encoding: chunked'),
      ],
      [
        'refuses a transfer coding behind a bare CR',
        post(END, 'X-A: b\rTransfer-Encoding: chunked'),
      ],
      [
        'refuses a transfer coding behind a bare LF',
        post(END, 'X-A: b\nTransfer-Encoding: chunked'),
      ],
      ['refuses a transfer coding with a NUL', post(END, 'Transfer-Encoding: chunked\0')],
      ['refuses a transfer coding with a vertical tab', post(END, 'Transfer-Encoding:\vchunked')],
      ['refuses a transfer coding with a soft blank', post(END, 'Transfer-Encoding: \xa0chunked')],
      [
        'refuses a transfer coding with a soft blank in its name',
        post(END, 'Transfer-Encoding\xa0: chunked'),
      ],
      ['refuses a transfer coding whose name has a blank', post(END, 'Transfer Encoding: chunked')],
      [
        'refuses a transfer coding behind a CR in its line',
        post(END, 'Transfer-Encoding: \rchunked'),
      ],
    ],
  ),
  passesOrRefuses(
    'drops no transfer coding because Connection names it',
    '9110 7.6.1',
    post(`3\r\nabc\r\n${END}`, 'Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'),
    { body: 'abc' },
  ),
]
