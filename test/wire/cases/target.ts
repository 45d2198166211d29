import { but, declined, passes, passesOrRefuses, refused } from '../support/expectations.ts'
import { asks, lines, type WireCase } from '../support/wire-case.ts'

const PLACE = [400, 404, 421]

const VERBATIM = [
  '/',
  '/a/b/c',
  '/a?b=c&d=e',
  '/?',
  '/??x=?',
  '/a%20b%2Fc',
  '/%00',
  '/%0d%0aX-Set:%20no',
  '/a/../b',
  '/a/%2e%2e/b',
  '/./a//b/',
  '//elsewhere.test/x',
  '/a;b=c;d',
  "/-._~!$&'()*+,;=:@",
  '/%ZZ%',
  '/a?q=http://elsewhere.test/%23',
] as const

export const target: readonly WireCase[] = [
  ...VERBATIM.map((path) =>
    passes(`passes the target ${path} on as it is`, '9110 7.1', asks(`GET ${path} HTTP/1.1`), {
      target: path,
    }),
  ),
  ...['/a[b]|c^d`e', '/"quoted"', '/{braces}', '/a\\b', '/<angle>'].map((path) =>
    passesOrRefuses(
      `changes nothing in the odd target ${path}`,
      '9112 3.2.1',
      asks(`GET ${path} HTTP/1.1`),
      { target: path },
    ),
  ),
  passes(
    'routes a target in absolute form and asks for its path',
    '9112 3.2.2',
    asks('GET http://wire.test/abs?x=1 HTTP/1.1'),
    { target: '/abs?x=1', headers: [['host', 'wire.test']] },
  ),
  passes(
    'asks for / when an absolute target has no path',
    '9112 3.2.1',
    asks('GET http://wire.test HTTP/1.1'),
    { target: '/' },
  ),
  passes(
    'keeps the query of an absolute target without a path',
    '9112 3.2.1',
    asks('GET http://wire.test?x=1 HTTP/1.1'),
    { target: '/?x=1' },
  ),
  passes(
    'takes the scheme of an absolute target in any case',
    '9110 4.2.3',
    asks('GET HTTP://wire.test/abs HTTP/1.1'),
    { target: '/abs' },
  ),
  passes(
    'takes the host of an absolute target in any case',
    '9110 4.2.3',
    asks('GET http://WIRE.Test/abs HTTP/1.1'),
    { target: '/abs' },
  ),
  passesOrRefuses(
    'believes an absolute target more than the Host, and tells the replica so',
    '9112 3.2.2',
    lines('GET http://wire.test/abs HTTP/1.1', 'Host: elsewhere.test'),
    { target: '/abs', headers: [['host', 'wire.test']] },
  ),
  but(
    passes(
      'takes an absolute target over HTTP/1.0 without a Host',
      '9112 3.2.2',
      lines('GET http://wire.test/abs HTTP/1.0'),
      { target: '/abs', headers: [['host', 'wire.test']] },
    ),
    { client: { ending: 'closes' } },
  ),
  ...declined('9112 3.2.2', PLACE, [
    [
      'does not fetch an absolute target of a host that it does not have',
      asks('GET http://elsewhere.test/ HTTP/1.1'),
    ],
    [
      'does not fetch an absolute target of an address',
      asks('GET http://169.254.169.254/latest HTTP/1.1'),
    ],
    [
      'does not fetch an absolute target of this machine',
      asks('GET http://127.0.0.1:1/x HTTP/1.1'),
    ],
  ]),
  ...refused('9112 3.2', 400, [
    ['refuses a fragment', asks('GET /x#part HTTP/1.1')],
    ['refuses a fragment in a query', asks('GET /x?y#part HTTP/1.1')],
    ['refuses a fragment in an absolute target', asks('GET http://wire.test/#x HTTP/1.1')],
    ['refuses a target without its first slash', asks('GET x/y HTTP/1.1')],
    ['refuses a target that is a query alone', asks('GET ?x=1 HTTP/1.1')],
    ['refuses a target of a dot', asks('GET . HTTP/1.1')],
    ['refuses a target that begins with @', asks('GET @elsewhere.test/x HTTP/1.1')],
    ['refuses a target that begins with a backslash', asks('GET \\\\elsewhere.test/x HTTP/1.1')],
    ['refuses a target of another scheme', asks('GET ftp://wire.test/x HTTP/1.1')],
    ['refuses a target of the scheme file', asks('GET file:///etc/passwd HTTP/1.1')],
    ['refuses an absolute target with one slash', asks('GET http:/wire.test/x HTTP/1.1')],
    ['refuses an absolute target without a host', asks('GET http:///x HTTP/1.1')],
    ['refuses an absolute target with a user', asks('GET http://me@wire.test/x HTTP/1.1')],
    [
      'refuses an absolute target with a user and a word',
      asks('GET http://me:pw@wire.test/ HTTP/1.1'),
    ],
    [
      'refuses an absolute target with a port of letters',
      asks('GET http://wire.test:8o/ HTTP/1.1'),
    ],
    [
      'refuses an absolute target with a backslash in its host',
      asks('GET http://wire.test\\@else.test/ HTTP/1.1'),
    ],
    ['refuses an authority as the target of a GET', asks('GET wire.test:80 HTTP/1.1')],
    ['refuses a NUL in the target', asks('GET /a\0b HTTP/1.1')],
    ['refuses a control character in the target', asks('GET /a\x01b HTTP/1.1')],
    ['refuses a form feed in the target', asks('GET /a\fb HTTP/1.1')],
    ['refuses DEL in the target', asks('GET /a\x7fb HTTP/1.1')],
    ['refuses a bare CR in the target', asks('GET /a\rb HTTP/1.1')],
    ['refuses bytes beyond ASCII in the target', asks('GET /caf\xc3\xa9 HTTP/1.1')],
    ['refuses a soft blank in the target', asks('GET /a\xa0b HTTP/1.1')],
  ]),
  ...refused('9112 3.2.4', PLACE, [
    ['refuses * as the target of a GET', asks('GET * HTTP/1.1')],
    ['refuses * as the target of a POST', asks('POST * HTTP/1.1', 'Content-Length: 0')],
    ['refuses ** as a target', asks('OPTIONS ** HTTP/1.1')],
    ['refuses */x as a target', asks('OPTIONS */x HTTP/1.1')],
  ]),
  passesOrRefuses(
    'passes OPTIONS * on as it is or answers it itself',
    '9112 3.2.4',
    asks('OPTIONS * HTTP/1.1'),
    { method: 'OPTIONS', target: '*' },
  ),
]
