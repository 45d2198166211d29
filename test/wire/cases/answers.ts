/** Answers as decent replicas give them. */
import { asks, type ClientSees, ENDS, gets, says, type WireCase } from '../support/wire-case.ts'

type Sees = Partial<ClientSees>

function answered(name: string, rfc: string, bytes: string, client: Sees = {}): WireCase {
  return {
    name,
    rfc,
    steps: [says(gets())],
    answer: { bytes },
    client: { answers: [200], ending: 'stays', ...client },
    backend: { kind: 'requests', requests: [{}] },
  }
}

function ok(headers: string, body: string): string {
  return `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${body}`
}

const CHUNKED = 'Transfer-Encoding: chunked'

function toHead(name: string, headers: string): WireCase {
  return {
    ...answered(name, '9110 9.3.2', `HTTP/1.1 200 OK\r\n${headers}\r\n`, { body: '' }),
    steps: [says(asks('HEAD /h HTTP/1.1'))],
    methods: ['HEAD'],
  }
}

export const answers: readonly WireCase[] = [
  answered('passes an answer of a length on', '9112 6.3', ok('Content-Length: 5', 'hello'), {
    body: 'hello',
    headers: [['content-length', '5']],
  }),
  answered('passes an empty answer on', '9112 6.3', ok('Content-Length: 0', ''), { body: '' }),
  answered(
    'passes an answer of chunks on',
    '9112 7.1',
    ok(CHUNKED, '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n'),
    {
      body: 'abcde',
    },
  ),
  answered('passes an answer of no chunk on', '9112 7.1', ok(CHUNKED, '0\r\n\r\n'), { body: '' }),
  answered(
    'passes no extension of chunks on to a client',
    '9112 7.1.1',
    ok(CHUNKED, '3;a=b\r\nabc\r\n0;c="d e"\r\n\r\n'),
    {
      body: 'abc',
    },
  ),
  answered(
    'passes chunks with zeros before their sizes on',
    '9112 7.1',
    ok(CHUNKED, '0003\r\nabc\r\n00\r\n\r\n'),
    {
      body: 'abc',
    },
  ),
  answered(
    'passes trailers of an answer on',
    '9112 7.1.2',
    ok(CHUNKED, '3\r\nabc\r\n0\r\nX-Sum: 9\r\n\r\n'),
    {
      body: 'abc',
      trailers: [['x-sum', '9']],
    },
  ),
  answered(
    'passes no trailer of an answer on that frames it',
    '9110 6.5.1',
    ok(
      CHUNKED,
      '3\r\nabc\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nX-Sum: 9\r\n\r\n',
    ),
    { answers: [[200, 502]], ending: 'either', orCut: true, never: 'Content-Length: 9' },
  ),
  answered('passes 70,000 bytes on', '9112 6.3', ok('Content-Length: 70000', 'b'.repeat(70_000)), {
    body: 'b'.repeat(70_000),
  }),
  answered(
    'passes 70,000 bytes of chunks on',
    '9112 7.1',
    ok(CHUNKED, `${`3e8\r\n${'c'.repeat(1_000)}\r\n`.repeat(70)}0\r\n\r\n`),
    { body: 'c'.repeat(70_000) },
  ),
  {
    ...answered(
      'passes an answer on that ends with its connection',
      '9112 6.3',
      ok('X-A: b', 'until the end'),
      {
        ending: 'either',
        body: 'until the end',
      },
    ),
    answer: { bytes: ok('X-A: b', 'until the end'), ending: 'ends' },
  },
  {
    ...answered('passes an answer of HTTP/1.0 on', '9110 2.5', '', {
      ending: 'either',
      body: 'old',
    }),
    answer: { bytes: 'HTTP/1.0 200 OK\r\n\r\nold', ending: 'ends' },
  },
  {
    ...answered('answers in HTTP/1.1 what a replica says in HTTP/1.0', '9110 2.5', '', {
      body: 'old',
    }),
    answer: { bytes: 'HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold', ending: 'ends' },
  },
  {
    ...answered('keeps a client whose replica closes after the answer', '9112 9.6', '', {
      body: 'ok',
    }),
    answer: { bytes: ok('Connection: close\r\nContent-Length: 2', 'ok'), ending: 'ends' },
  },
  ...[201, 202, 206, 301, 307, 400, 404, 418, 429, 451, 500, 502, 503, 599].map((status) =>
    answered(
      `passes the status ${status} on with its body`,
      '9110 15',
      `HTTP/1.1 ${status} Reason\r\nContent-Length: 4\r\nX-From: replica\r\n\r\nbody`,
      { answers: [status], body: 'body', headers: [['x-from', 'replica']] },
    ),
  ),
  answered(
    'passes a 204 on without a body',
    '9110 15.3.5',
    'HTTP/1.1 204 No Content\r\nX-A: b\r\n\r\n',
    {
      answers: [204],
      headers: [['x-a', 'b']],
      lacks: ['content-length', 'transfer-encoding'],
    },
  ),
  answered(
    'passes a 304 on without a body',
    '9110 15.4.5',
    'HTTP/1.1 304 Not Modified\r\nETag: "x"\r\n\r\n',
    {
      answers: [304],
      headers: [['etag', '"x"']],
    },
  ),
  answered(
    'passes a 304 on with the length that its 200 would have',
    '9110 8.6',
    'HTTP/1.1 304 Not Modified\r\nContent-Length: 1000\r\n\r\n',
    { answers: [304] },
  ),
  answered(
    'passes a status without a reason on',
    '9112 4',
    'HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok',
    {
      body: 'ok',
    },
  ),
  answered(
    'passes every Set-Cookie on',
    '9110 5.3',
    ok('Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2\r\nContent-Length: 0', ''),
    {
      headers: [
        ['set-cookie', 'a=1; Path=/'],
        ['set-cookie', 'b=2'],
      ],
    },
  ),
  answered(
    'passes bytes beyond ASCII in an answer on',
    '9110 5.5',
    ok('X-A: \xe9\xff\r\nContent-Length: 0', ''),
    {
      headers: [['x-a', '\xe9\xff']],
    },
  ),
  answered(
    'passes an empty header of an answer on',
    '9110 5.5',
    ok('X-Empty:\r\nContent-Length: 0', ''),
    {
      headers: [['x-empty', '']],
    },
  ),
  answered(
    'passes early hints on or keeps them to itself',
    '8297 2',
    `HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n${ok('Content-Length: 2', 'ok')}`,
    { body: 'ok' },
  ),
  answered(
    'reads over a 100 that it did not ask for',
    '9110 15.2',
    `HTTP/1.1 100 Continue\r\n\r\n${ok('Content-Length: 2', 'ok')}`,
    {
      body: 'ok',
    },
  ),
  answered(
    'reads over a 102',
    '9110 15.2',
    `HTTP/1.1 102 Processing\r\n\r\n${ok('Content-Length: 2', 'ok')}`,
    {
      body: 'ok',
    },
  ),
  answered(
    'reads over several interim answers',
    '9110 15.2',
    `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(5)}${ok('Content-Length: 2', 'ok')}`,
    {
      body: 'ok',
    },
  ),
  toHead('passes the length of a HEAD on', 'Content-Length: 5000\r\n'),
  toHead('passes a HEAD of chunks on', `${CHUNKED}\r\n`),
  toHead('passes a HEAD without any framing on', 'X-A: b\r\n'),
  {
    name: 'passes an answer on that comes before the body was sent',
    rfc: '9112 7.3',
    steps: [says(`${asks('POST /early HTTP/1.1', 'Content-Length: 100000')}${'x'.repeat(1_000)}`)],
    answer: {
      when: 'head',
      bytes: 'HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 4\r\n\r\nlong',
      ending: 'ends',
    },
    client: { answers: [413], ending: 'closes', body: 'long' },
    backend: { kind: 'unfinished' },
  },
  {
    ...answered(
      'passes a late answer on to a client that ended its side',
      '9112 9.6',
      ok('Content-Length: 2', 'ok'),
      {
        ending: 'closes',
        body: 'ok',
      },
    ),
    steps: [says(gets()), ENDS],
  },
]
