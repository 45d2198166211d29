import { but, passes, passesOrRefuses } from '../support/expectations.ts'
import {
  asks,
  ENDS,
  HIDDEN,
  HOST,
  hears,
  lines,
  says,
  type WireCase,
} from '../support/wire-case.ts'

const CLOSES = { client: { ending: 'closes' } } as const

const THIRTY = Array.from({ length: 30 }, (_, at) => at)

function get(path: string, ...headers: readonly string[]): string {
  return asks(`GET ${path} HTTP/1.1`, ...headers)
}

function old(...headers: readonly string[]): string {
  return lines('GET /old HTTP/1.0', HOST, ...headers)
}

export const connections: readonly WireCase[] = [
  passes('answers two pipelined requests in their order', '9112 9.3.2', get('/1') + get('/2'), [
    { target: '/1' },
    { target: '/2' },
  ]),
  but(
    passes(
      'answers thirty pipelined requests in their order',
      '9112 9.3.2',
      THIRTY.map((at) => get(`/${at}`)).join(''),
      THIRTY.map(() => ({})),
    ),
    { client: { bodies: THIRTY.map((at) => `GET /${at} `) } },
  ),
  passes(
    'answers pipelined requests with bodies of both framings',
    '9112 9.3.2',
    `${asks('POST /1 HTTP/1.1', 'Content-Length: 3')}abc${asks('POST /2 HTTP/1.1', 'Transfer-Encoding: chunked')}2\r\nde\r\n0\r\n\r\n${get('/3')}`,
    [{ target: '/1', body: 'abc' }, { target: '/2', body: 'de' }, { target: '/3' }],
  ),
  but(
    passes(
      'answers a pipelined HEAD without its body',
      '9110 9.3.2',
      asks('HEAD /1 HTTP/1.1') + get('/2'),
      [{ method: 'HEAD' }, { target: '/2' }],
    ),
    { methods: ['HEAD', 'GET'] },
  ),
  passes(
    'answers requests that follow each other',
    '9112 9.3',
    [says(get('/1')), hears(/GET \/1/), says(get('/2')), hears(/GET \/2/), says(get('/3'))],
    [{ target: '/1' }, { target: '/2' }, { target: '/3' }],
  ),
  but(
    passes('closes when the client says close', '9112 9.6', get('/1', 'Connection: close'), [
      { target: '/1' },
    ]),
    {
      client: { ending: 'closes', headers: [['connection', 'close']] },
    },
  ),
  but(
    passes('reads close in any case', '9112 9.6', get('/1', 'Connection: Close'), { target: '/1' }),
    CLOSES,
  ),
  but(
    passes('reads close in a list', '9112 9.6', get('/1', 'Connection: x, close'), {
      target: '/1',
    }),
    CLOSES,
  ),
  but(
    passes(
      'reads close on the second line',
      '9112 9.6',
      get('/1', 'Connection: x', 'Connection: close'),
      { target: '/1' },
    ),
    CLOSES,
  ),
  but(
    passes(
      'believes close more than keep-alive',
      '9112 9.3',
      get('/1', 'Connection: keep-alive, close'),
      { target: '/1' },
    ),
    CLOSES,
  ),
  but(
    passes('serves nothing behind close', '9112 9.6', get('/1', 'Connection: close') + HIDDEN, [
      { target: '/1' },
    ]),
    CLOSES,
  ),
  but(
    passes(
      'serves nothing behind a body and close',
      '9112 9.6',
      `${asks('POST /1 HTTP/1.1', 'Connection: close', 'Content-Length: 2')}ab${HIDDEN}`,
      [{ target: '/1', body: 'ab' }],
    ),
    CLOSES,
  ),
  passes(
    'stays open when the client says keep-alive',
    '9112 9.3',
    get('/1', 'Connection: keep-alive'),
    { target: '/1' },
  ),
  passes('takes closer for no close', '9112 9.6', get('/1', 'Connection: closer'), {
    target: '/1',
  }),
  but(
    passes(
      'answers a client that ends its side after the request',
      '9112 9.6',
      [says(get('/half')), ENDS],
      { target: '/half' },
    ),
    CLOSES,
  ),
  but(
    passes(
      'answers a client that ends its side after a body',
      '9112 9.6',
      [says(`${asks('POST /half HTTP/1.1', 'Content-Length: 3')}abc`), ENDS],
      { body: 'abc' },
    ),
    CLOSES,
  ),
  but(
    passes(
      'answers all requests of a client that ends its side',
      '9112 9.6',
      [says(get('/1') + get('/2') + get('/3')), ENDS],
      [{ target: '/1' }, { target: '/2' }, { target: '/3' }],
    ),
    CLOSES,
  ),
  but(passes('answers HTTP/1.0 and closes', '9112 9.3', old(), { target: '/old' }), CLOSES),
  but(
    passes(
      'asks a replica in HTTP/1.1 for a client of HTTP/1.0',
      '9110 2.5',
      old('Connection: close'),
      { target: '/old' },
    ),
    CLOSES,
  ),
  but(
    passes('answers HTTP/1.0 that wants to be kept', '9112 9.3', old('Connection: keep-alive'), {
      target: '/old',
    }),
    { client: { ending: 'either' } },
  ),
  but(
    passes('reads HTTP/1.0 without a Host', '9112 3.2', lines('GET /open/x HTTP/1.0'), {
      target: '/open/x',
    }),
    CLOSES,
  ),
  but(
    passes(
      'reads a body of HTTP/1.0',
      '9112 6.3',
      `${lines('POST /old HTTP/1.0', HOST, 'Content-Length: 3')}abc`,
      { body: 'abc' },
    ),
    CLOSES,
  ),
  but(
    passes('serves nothing behind HTTP/1.0 that is not kept', '9112 9.3', old() + HIDDEN, [
      { target: '/old' },
    ]),
    CLOSES,
  ),
  passesOrRefuses(
    'opens no second protocol for HTTP/1.0',
    '9110 7.8',
    old(
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 13',
    ),
    { lacks: ['upgrade'] },
  ),
  {
    name: 'sends no chunks to a client of HTTP/1.0',
    rfc: '9112 7',
    steps: [says(old())],
    answer: {
      bytes:
        'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n',
    },
    client: { answers: [200], ending: 'closes', body: 'abcde', lacks: ['transfer-encoding'] },
    backend: { kind: 'requests', requests: [{}] },
  },
  {
    name: 'ends an answer of chunks with trailers for a client of HTTP/1.0',
    rfc: '9112 7.1.2',
    steps: [says(old())],
    answer: {
      bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n',
    },
    client: { answers: [200], ending: 'closes', body: 'abc', never: 'X-T' },
    backend: { kind: 'requests', requests: [{}] },
  },
]
