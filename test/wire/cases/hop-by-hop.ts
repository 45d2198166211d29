import { but, passes, passesOrRefuses } from '../support/expectations.ts'
import { asks, gets, type WireCase } from '../support/wire-case.ts'

const STRIPPED = [
  ['Keep-Alive', 'timeout=5'],
  ['Proxy-Connection', 'keep-alive'],
  ['Proxy-Authorization', 'Basic bWU6cHc='],
  ['Proxy-Authenticate', 'Basic'],
  ['TE', 'trailers, deflate;q=0.5'],
  ['Trailer', 'X-Sum'],
  ['HTTP2-Settings', 'AAMAAABkAAQAAP__'],
] as const

const CLAIMS = [
  'X-Forwarded-For: 6.6.6.6',
  'X_Forwarded_For: 6.6.6.6',
  'X-Forwarded_For: 6.6.6.6',
  'x_forwarded-for: 6.6.6.6',
  'Forwarded: for=6.6.6.6',
  'X-Real-IP: 6.6.6.6',
  'X_Real_IP: 6.6.6.6',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: elsewhere.test',
  'X-Forwarded-Port: 443',
  'X_Forwarded_Proto: https',
] as const

function nameIn(line: string): string {
  return (line.split(':')[0] ?? '').toLowerCase()
}

/** What the proxy itself says under the same name. */
const SAID = ['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port']

export const hopByHop: readonly WireCase[] = [
  ...STRIPPED.map(([name, value]) =>
    passes(`passes no ${name} on`, '9110 7.6.1', gets(`${name}: ${value}`, 'X-Kept: 1'), {
      headers: [['x-kept', '1']],
      lacks: [name.toLowerCase()],
    }),
  ),
  ...STRIPPED.slice(0, 3).map(([name, value]) =>
    passes(
      `passes no ${name} on that Connection names`,
      '9110 7.6.1',
      gets(`Connection: ${name}`, `${name}: ${value}`),
      { lacks: [name.toLowerCase()] },
    ),
  ),
  passes(
    'drops a header that Connection names',
    '9110 7.6.1',
    gets('Connection: X-Own', 'X-Own: 1'),
    {
      lacks: ['x-own'],
    },
  ),
  passes(
    'drops a header that Connection names in other case, before or behind',
    '9110 7.6.1',
    gets('X-OWN: 1', 'Connection: keep-alive, x-own', 'x-Own: 2', 'X-Other: 3'),
    { lacks: ['x-own'], headers: [['x-other', '3']] },
  ),
  passes(
    'drops headers that several lines of Connection name',
    '9110 7.6.1',
    gets('Connection: X-A', 'Connection: X-B', 'X-A: 1', 'X-B: 2', 'X-C: 3'),
    { lacks: ['x-a', 'x-b'], headers: [['x-c', '3']] },
  ),
  passes(
    'reads over empty elements of Connection',
    '9110 5.6.1',
    gets('Connection: ,, X-A ,\t, ', 'X-A: 1', 'X-B: 2'),
    { lacks: ['x-a'], headers: [['x-b', '2']] },
  ),
  passes(
    'drops nothing that Connection names only in part',
    '9110 7.6.1',
    gets('Connection: X-Ow', 'X-Own: 1', 'X-O: 2'),
    {
      headers: [
        ['x-own', '1'],
        ['x-o', '2'],
      ],
    },
  ),
  passes(
    'says where a request came from, also when Connection names that',
    '9110 7.6.1',
    gets('Connection: X-Forwarded-For, X-Forwarded-Proto, Via'),
    { headers: [['x-forwarded-for', '127.0.0.1']] },
  ),
  passesOrRefuses('keeps the Host that Connection names', '9110 7.6.1', gets('Connection: Host'), {
    headers: [['host', 'wire.test']],
  }),
  ...CLAIMS.map((line) =>
    passes(`believes no client that says ${line}`, '7239 8.1', gets(line), {
      headers: [['x-forwarded-for', '127.0.0.1']],
      ...(SAID.includes(nameIn(line)) ? {} : { lacks: [nameIn(line)] }),
    }),
  ),
  passes(
    'says who asked, once, whatever a client says',
    '7239 4',
    gets('X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 7.7.7.7'),
    { headers: [['x-forwarded-for', '127.0.0.1']] },
  ),
  passes('says through what a request came', '9110 7.6.3', gets(), {
    headers: [['via', '1.1 orchestrify']],
  }),
  passes(
    'keeps what a client asks for end to end',
    '9110 7.6.1',
    gets(
      'Authorization: Bearer a.b.c',
      'Cookie: a=b; c=d',
      'Range: bytes=0-1',
      'If-None-Match: "x"',
      'Cache-Control: no-cache',
      'Accept-Encoding: gzip',
    ),
    {
      headers: [
        ['authorization', 'Bearer a.b.c'],
        ['cookie', 'a=b; c=d'],
        ['range', 'bytes=0-1'],
        ['if-none-match', '"x"'],
        ['cache-control', 'no-cache'],
        ['accept-encoding', 'gzip'],
      ],
    },
  ),
  passes('keeps every line of Cookie', '6265 5.4', gets('Cookie: a=1', 'Cookie: b=2'), {
    headers: [
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ],
  }),
  passes('keeps Max-Forwards of a GET', '9110 7.6.2', gets('Max-Forwards: 3'), {
    headers: [['max-forwards', '3']],
  }),
  ...['h2c', 'TLS/1.0', 'foo/2', 'HTTP/2.0'].map((protocol) =>
    but(
      passes(
        `ignores an offer to upgrade to ${protocol}`,
        '9110 7.8',
        gets(
          'Connection: Upgrade, HTTP2-Settings',
          `Upgrade: ${protocol}`,
          'HTTP2-Settings: AAMAAABkAAQAAP__',
        ),
        { lacks: ['upgrade', 'http2-settings'] },
      ),
      { client: { ending: 'either' } },
    ),
  ),
  but(
    passes(
      'ignores an offer to upgrade on a request with a body',
      '9110 7.8',
      `${asks('POST /up HTTP/1.1', 'Connection: Upgrade', 'Upgrade: h2c', 'Content-Length: 3')}abc`,
      { body: 'abc', lacks: ['upgrade'] },
    ),
    { client: { ending: 'either' } },
  ),
  {
    name: 'passes nothing of an answer on that is of one connection alone',
    rfc: '9110 7.6.1',
    steps: [{ kind: 'says', bytes: gets() }],
    answer: {
      bytes:
        'HTTP/1.1 200 OK\r\nConnection: X-Private, keep-alive\r\nX-Private: 1\r\nKeep-Alive: timeout=99\r\nProxy-Authenticate: Basic\r\nTrailer: X-T\r\nUpgrade: h2c\r\nX-Public: 2\r\nContent-Length: 2\r\n\r\nok',
    },
    client: {
      answers: [200],
      ending: 'stays',
      body: 'ok',
      headers: [['x-public', '2']],
      lacks: ['x-private', 'proxy-authenticate', 'upgrade'],
      never: 'timeout=99',
    },
    backend: { kind: 'requests', requests: [{}] },
  },
]
