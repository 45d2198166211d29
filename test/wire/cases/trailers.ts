import { broken, passes, passesOrRefuses } from '../support/expectations.ts'
import { asks, HIDDEN, type WireCase } from '../support/wire-case.ts'

function post(trailers: string): string {
  return `${asks('POST /trail HTTP/1.1', 'Transfer-Encoding: chunked')}3\r\nabc\r\n0\r\n${trailers}\r\n`
}

const UNSAFE = [
  'Content-Length: 99',
  'Transfer-Encoding: chunked',
  'Host: elsewhere.test',
  'X-Forwarded-For: 6.6.6.6',
  'X_Forwarded_For: 6.6.6.6',
  'Connection: close',
  'Forwarded: for=6.6.6.6',
  'X-Real-IP: 6.6.6.6',
] as const

const BAD = [
  ['without a colon', 'X-A\r\n'],
  ['with an empty name', ': b\r\n'],
  ['with a blank before its colon', 'X-A : b\r\n'],
  ['that is folded', 'X-A: b\r\n c\r\n'],
  ['that begins with a blank', ' X-A: b\r\n'],
  ['with a NUL', 'X-A: b\0\r\n'],
  ['with a control character', 'X-A: b\x02\r\n'],
  ['with a bare CR', 'X-A: b\rc\r\n'],
  ['with a bare LF', 'X-A: b\n'],
  ['with a name beyond ASCII', 'X-\xdc: b\r\n'],
  ['that is a request line', 'GET /hidden HTTP/1.1\r\nHost: wire.test\r\n'],
  ['of 40,000 bytes', `X-A: ${'t'.repeat(40_000)}\r\n`],
] as const

export const trailers: readonly WireCase[] = [
  passesOrRefuses('passes a trailer on or drops it', '9112 7.1.2', post('X-Sum: 1\r\n'), {
    body: 'abc',
  }),
  passes(
    'reads over trailers to the next request',
    '9112 7.1.2',
    post('X-Sum: 1\r\nX-More: 2\r\n') + asks('GET /next HTTP/1.1'),
    [{ body: 'abc' }, { target: '/next' }],
  ),
  passes('takes an empty trailer', '9112 7.1.2', post('X-Empty:\r\n'), { body: 'abc' }),
  ...UNSAFE.map((line) =>
    passesOrRefuses(`passes no trailer ${line} on`, '9110 6.5.1', post(`${line}\r\n`), {
      body: 'abc',
      trailers: [],
    }),
  ),
  ...broken(
    '9112 7.1.2',
    [400, 413, 431],
    BAD.map(([what, bytes]) => [`refuses a trailer ${what}`, post(bytes) + HIDDEN]),
  ),
]
