import { but, declined, passes, passesOrRefuses, refused } from '../support/expectations.ts'
import { asks, HIDDEN, HOST, hears, lines, says, type WireCase } from '../support/wire-case.ts'

const WAITS = 'Expect: 100-continue'

function post(...headers: readonly string[]): string {
  return asks('POST /wait HTTP/1.1', ...headers)
}

export const expectContinue: readonly WireCase[] = [
  but(
    passes(
      'tells a client to continue and passes its body on',
      '9110 10.1.1',
      [says(post(WAITS, 'Content-Length: 4')), hears(/^HTTP\/1\.1 100 /), says('body')],
      { body: 'body', lacks: ['expect'] },
    ),
    { client: { interim: [100] } },
  ),
  but(
    passes(
      'tells a client to continue with chunks',
      '9110 10.1.1',
      [
        says(post(WAITS, 'Transfer-Encoding: chunked')),
        hears(/^HTTP\/1\.1 100 /),
        says('4\r\nbody\r\n0\r\n\r\n'),
      ],
      { body: 'body' },
    ),
    { client: { interim: [100] } },
  ),
  passes(
    'reads the expectation in any case',
    '9110 10.1.1',
    [says(post('EXPECT: 100-Continue', 'Content-Length: 4')), hears(/ 100 /), says('body')],
    { body: 'body' },
  ),
  passes(
    'takes a body that did not wait',
    '9110 10.1.1',
    `${post(WAITS, 'Content-Length: 4')}body`,
    { body: 'body' },
  ),
  passes(
    'takes a body that did not wait for a body, whatever it looks like',
    '9110 10.1.1',
    post(WAITS, `Content-Length: ${HIDDEN.length}`) + HIDDEN,
    { body: HIDDEN },
  ),
  passes(
    'goes on after a body that was waited for',
    '9112 9.3',
    [
      says(post(WAITS, 'Content-Length: 2')),
      hears(/ 100 /),
      says('ab'),
      hears(/ 200 /),
      says(asks('GET /next HTTP/1.1')),
    ],
    [{ body: 'ab' }, { target: '/next' }],
  ),
  passesOrRefuses(
    'answers an expectation without a body',
    '9110 10.1.1',
    asks('GET /wait HTTP/1.1', WAITS),
    { method: 'GET', body: '' },
  ),
  but(
    passes(
      'tells no client of HTTP/1.0 to continue',
      '9110 10.1.1',
      `${lines('POST /wait HTTP/1.0', HOST, WAITS, 'Content-Length: 4')}body`,
      { body: 'body' },
    ),
    { client: { interim: [], ending: 'closes' } },
  ),
  ...declined('9110 10.1.1', 417, [
    ['refuses an expectation that it does not know', post('Expect: miracles', 'Content-Length: 0')],
    [
      'refuses an expectation beside the known one',
      post('Expect: 100-continue, miracles', 'Content-Length: 0'),
    ],
  ]),
  ...declined(
    '9110 10.1.1',
    [404, 421],
    [
      [
        'asks for no body that nobody takes',
        [says(lines('POST /x HTTP/1.1', 'Host: elsewhere.test', WAITS, 'Content-Length: 4'))],
      ],
    ],
  ).map((wanted) => ({ ...wanted, client: { ...wanted.client, interim: [] } })),
  ...refused('9112 6.3', 400, [
    [
      'asks for no body that has two lengths',
      post(WAITS, 'Content-Length: 4', 'Content-Length: 5'),
    ],
  ]).map((wanted) => ({ ...wanted, client: { ...wanted.client, interim: [] } })),
  {
    name: 'passes a refusal on when the replica wants no body',
    rfc: '9110 10.1.1',
    steps: [says(post(WAITS, 'Content-Length: 4'))],
    answer: {
      when: 'head',
      bytes: 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
      ending: 'ends',
    },
    client: { answers: [403], ending: 'closes', body: 'no' },
    backend: { kind: 'unfinished' },
  },
  {
    name: 'passes one 100 on when the replica says it, too',
    rfc: '9110 15.2.1',
    steps: [says(post(WAITS, 'Content-Length: 4')), hears(/ 100 /), says('body')],
    answer: {
      bytes: 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    },
    client: { answers: [200], ending: 'stays', body: 'ok' },
    backend: { kind: 'requests', requests: [{ body: 'body' }] },
  },
]
