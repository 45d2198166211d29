import {
  but,
  declined,
  passes,
  passesOrRefuses,
  refused,
  refusedAfterOne,
} from '../support/expectations.ts'
import { asks, HIDDEN, HOST, lines, type WireCase } from '../support/wire-case.ts'

const VERSION = [400, 505]

export const requestLine: readonly WireCase[] = [
  passes('passes a plain GET on', '9112 3', asks('GET /plain HTTP/1.1'), {
    method: 'GET',
    target: '/plain',
    body: '',
    framing: 'none',
  }),
  ...['POST', 'PUT', 'PATCH', 'DELETE'].map((method) =>
    passes(
      `passes ${method} with a body on`,
      '9110 9.3',
      `${asks(`${method} /m HTTP/1.1`, 'Content-Length: 4')}four`,
      { method, target: '/m', body: 'four' },
    ),
  ),
  passes('passes OPTIONS of a path on', '9110 9.3.7', asks('OPTIONS /m HTTP/1.1'), {
    method: 'OPTIONS',
    target: '/m',
  }),
  but(
    passes('passes HEAD on and sends no body back', '9110 9.3.2', asks('HEAD /m HTTP/1.1'), {
      method: 'HEAD',
      target: '/m',
    }),
    { methods: ['HEAD'], client: { body: '' } },
  ),
  ...['PROPFIND', 'REPORT', 'PURGE', 'MKCOL'].map((method) =>
    passesOrRefuses(
      `takes ${method} for a method or refuses it`,
      '9110 9.1',
      asks(`${method} /m HTTP/1.1`),
      {
        method,
        target: '/m',
      },
    ),
  ),
  ...refused(
    '9110 9.1',
    [400, 405, 501],
    [
      ['refuses a method in lower case', asks('get /x HTTP/1.1')],
      ['refuses a method of mixed case', asks('Post /x HTTP/1.1', 'Content-Length: 0')],
      ['refuses a method with a colon', asks('GE:T /x HTTP/1.1')],
      ['refuses a method with a slash', asks('GET/ /x HTTP/1.1')],
      ['refuses a method with a NUL', asks('GE\0T /x HTTP/1.1')],
      ['refuses a method with a letter beyond ASCII', asks('G\xc9T /x HTTP/1.1')],
      ['refuses a method in quotes', asks('"GET" /x HTTP/1.1')],
      ['refuses a method with a trailing CR', asks('GET\r /x HTTP/1.1')],
      ['refuses the preface of HTTP/2', `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n`],
    ],
  ),
  ...declined(
    '9110 9.3',
    [400, 405, 501],
    [
      ['answers TRACE itself with a refusal', asks('TRACE /x HTTP/1.1')],
      [
        'opens no tunnel for CONNECT to an authority',
        lines('CONNECT wire.test:443 HTTP/1.1', 'Host: wire.test:443'),
      ],
      ['opens no tunnel for CONNECT with a path', asks('CONNECT /x HTTP/1.1')],
      ['serves nothing that follows a CONNECT', `${asks('CONNECT wire.test:80 HTTP/1.1')}ping`],
    ],
  ),
  ...refused(
    '9112 3',
    [400, 501],
    [
      ['refuses a line that begins with a blank', asks(' GET /x HTTP/1.1')],
      ['refuses a line that begins with a tab', asks('\tGET /x HTTP/1.1')],
      ['refuses a line of one word', lines('HELLO', HOST)],
      ['refuses a line without a method', asks('/x HTTP/1.1')],
      ['refuses two blanks after the method', asks('GET  /x HTTP/1.1')],
      ['refuses a tab between method and target', asks('GET\t/x HTTP/1.1')],
      ['refuses a vertical tab between method and target', asks('GET\v/x HTTP/1.1')],
      ['refuses a blank inside the target', asks('GET /a b HTTP/1.1')],
      ['refuses a header in place of the line', lines(HOST, 'Accept: */*')],
      ['refuses bytes of TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03rest of hello\r\n\r\n'],
      ['refuses bytes of SSH', 'SSH-2.0-client_1.0\r\n\r\n'],
      ['refuses bytes of SMTP', 'EHLO wire.test\r\n\r\n'],
      ['refuses bytes of a PROXY protocol', `PROXY TCP4 10.1.1.1 10.1.1.2 1 2\r\n${HIDDEN}`],
      ['refuses zeros', '\0\0\0\0\0\0\0\0\r\n\r\n'],
    ],
  ),
  ...refused('9112 2.3', VERSION, [
    ['refuses two blanks before the version', asks('GET /x  HTTP/1.1')],
    ['refuses a blank after the version', asks('GET /x HTTP/1.1 ')],
    ['refuses a tab before the version', asks('GET /x\tHTTP/1.1')],
    ['refuses a second version', asks('GET /x HTTP/1.1 HTTP/1.1')],
    ['refuses a line without a version', lines('GET /x', HOST)],
    ['refuses version 2.0 in this form', asks('GET /x HTTP/2.0')],
    ['refuses version 1.2', asks('GET /x HTTP/1.2')],
    ['refuses version 0.9', asks('GET /x HTTP/0.9')],
    ['refuses version 1.10', asks('GET /x HTTP/1.10')],
    ['refuses version 01.1', asks('GET /x HTTP/01.1')],
    ['refuses version 1,1', asks('GET /x HTTP/1,1')],
    ['refuses version 1.', asks('GET /x HTTP/1.')],
    ['refuses the protocol in lower case', asks('GET /x http/1.1')],
    ['refuses HTTPS in place of HTTP', asks('GET /x HTTPS/1.1')],
    ['refuses a version with a NUL', asks('GET /x HTTP/1.1\0')],
    ['refuses a version with a sign', asks('GET /x HTTP/+1.1')],
    ['refuses RTSP', asks('OPTIONS * RTSP/1.0')],
  ]),
  ...refused(
    '9112 2.2',
    [400, 501, 505],
    [
      ['refuses a bare LF after the line', `GET /x HTTP/1.1\n${HOST}\r\n\r\n`],
      ['refuses a bare CR after the line', `GET /x HTTP/1.1\r${HOST}\r\n\r\n`],
      ['refuses LF alone everywhere', `GET /x HTTP/1.1\n${HOST}\n\n`],
      ['refuses LF CR in place of CR LF', `GET /x HTTP/1.1\n\r${HOST}\n\r\n\r`],
      ['refuses two CR before the LF', `GET /x HTTP/1.1\r\r\n${HOST}\r\n\r\n`],
      ['refuses a blank before the first header', `GET /x HTTP/1.1\r\n ${HOST}\r\n\r\n`],
      ['refuses a head that ends with LF LF', `GET /x HTTP/1.1\r\n${HOST}\n\n`],
      ['refuses a head that ends with LF CR LF', `GET /x HTTP/1.1\r\n${HOST}\n\r\n`],
      ['refuses a head that ends with CR CR LF', `GET /x HTTP/1.1\r\n${HOST}\r\n\r\r\n`],
      ['refuses a LF before the request', `\n${asks('GET /x HTTP/1.1')}`],
      [
        'refuses many empty lines before the request',
        `${'\r\n'.repeat(64)}${asks('GET /x HTTP/1.1')}`,
      ],
    ],
  ),
  passes(
    'reads over one empty line before a request',
    '9112 2.2',
    `\r\n${asks('GET /x HTTP/1.1')}`,
    {
      target: '/x',
    },
  ),
  passes(
    'reads over one empty line after a body',
    '9112 2.2',
    `${asks('POST /x HTTP/1.1', 'Content-Length: 2')}ab\r\n${asks('GET /y HTTP/1.1')}`,
    [{ target: '/x', body: 'ab' }, { target: '/y' }],
  ),
  ...refusedAfterOne(
    '9112 3',
    [400, 405, 501, 505],
    [
      [
        'answers a request and refuses the garbage behind it',
        `${asks('GET /x HTTP/1.1')}what is this\r\n\r\n`,
      ],
      [
        'answers a request and refuses a lone version behind it',
        `${asks('GET /x HTTP/1.1')} HTTP/1.1\r\n\r\n`,
      ],
      [
        'refuses what is longer than its Content-Length',
        `${asks('POST /x HTTP/1.1', 'Content-Length: 2')}abcdefgh\r\n\r\n`,
      ],
      ['refuses a second body', `${asks('POST /x HTTP/1.1', 'Content-Length: 2')}ab0\r\n\r\n`],
    ],
  ),
]
