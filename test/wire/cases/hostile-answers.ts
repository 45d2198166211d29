/** Answers of replicas that are broken or lie. */
import { asks, type ClientSees, gets, says, type WireCase } from '../support/wire-case.ts'

const SMUGGLED = 'HTTP/1.1 200 OK\r\nContent-Length: 8\r\nX-Smuggled: 1\r\n\r\nsmuggled'
const NEVER = 'smuggled'
const CHUNKED = 'Transfer-Encoding: chunked'

function ok(headers: string, body: string): string {
  return `HTTP/1.1 200 OK\r\n${headers}\r\n\r\n${body}`
}

type Row = readonly [name: string, bytes: string]

function hostile(rfc: string, rows: readonly Row[], client: ClientSees): readonly WireCase[] {
  return rows.map(([name, bytes]) => ({
    name,
    rfc,
    steps: [says(gets())],
    answer: { bytes, ending: 'ends' },
    client: { never: NEVER, ...client },
    backend: { kind: 'any' },
  }))
}

/** 502, and the client goes on. */
function bad(rfc: string, rows: readonly Row[]): readonly WireCase[] {
  return hostile(rfc, rows, { answers: [502], ending: 'either' })
}

/** The answer had begun: it ends as what it is, cut; or with 502 where nothing was sent yet. */
function cut(rfc: string, rows: readonly Row[]): readonly WireCase[] {
  return hostile(rfc, rows, { answers: [502], ending: 'closes', orCut: true })
}

/** The answer is whole; what comes behind it goes to nobody. */
function surplus(rfc: string, rows: readonly Row[], body: string): readonly WireCase[] {
  return hostile(rfc, rows, { answers: [200], ending: 'either', body }).map((one) => ({
    ...one,
    answer: { bytes: one.answer?.bytes ?? '', ending: 'stays' },
  }))
}

function bodiless(name: string, rfc: string, bytes: string, status: number): WireCase {
  return {
    name,
    rfc,
    steps: [says(gets())],
    answer: { bytes, ending: 'stays' },
    client: { answers: [status], ending: 'either', body: '', never: NEVER },
    backend: { kind: 'any' },
  }
}

export const hostileAnswers: readonly WireCase[] = [
  ...bad('9112 4', [
    ['answers 502 for bytes that are no HTTP', 'hello there\r\n\r\n'],
    ['answers 502 for a banner of SSH', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['answers 502 for bytes of TLS', '\x15\x03\x01\x00\x02\x02\x46'],
    ['answers 502 for no bytes at all', ''],
    ['answers 502 for a status line alone', 'HTTP/1.1 200 OK\r\n'],
    ['answers 502 for half a status line', 'HTTP/1.1 2'],
    ['answers 502 for half a head', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-'],
    ['answers 502 for a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for a status of letters', 'HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for a status of nothing', 'HTTP/1.1  OK\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for a status with a sign', 'HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for the status 000', 'HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for the status 099', 'HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for HTTP/2.0 in this form', 'HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n'],
    ['answers 502 for HTTP/1.9', 'HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n'],
    [
      'answers 502 for the protocol in small letters',
      'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    ['answers 502 for another protocol', 'ICY 200 OK\r\nContent-Length: 0\r\n\r\n'],
    [
      'answers 502 for a blank before the status line',
      ' HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    ],
    [
      'answers 502 for a reason with a control character',
      'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n',
    ],
    ['answers 502 for a reason with a bare CR', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n'],
  ]),
  ...bad('9112 5', [
    ['answers 502 for a header without a colon', ok('X-A\r\nContent-Length: 0', '')],
    ['answers 502 for a header with an empty name', ok(': b\r\nContent-Length: 0', '')],
    ['answers 502 for a header with a blank in its name', ok('X A: b\r\nContent-Length: 0', '')],
    [
      'answers 502 for a header with a blank before its colon',
      ok('X-A : b\r\nContent-Length: 0', ''),
    ],
    ['answers 502 for a folded header', ok('X-A: b\r\n c\r\nContent-Length: 0', '')],
    ['answers 502 for a header with a NUL', ok('X-A: b\0c\r\nContent-Length: 0', '')],
    [
      'answers 502 for a header with a bare CR',
      ok('X-A: b\rSet-Cookie: smuggled=1\r\nContent-Length: 0', ''),
    ],
    [
      'answers 502 for a header with a bare LF',
      ok('X-A: b\nSet-Cookie: smuggled=1\r\nContent-Length: 0', ''),
    ],
    ['answers 502 for a header with an escape', ok('X-A: \x1b[0m\r\nContent-Length: 0', '')],
    ['answers 502 for a head of LF alone', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    [
      'answers 502 for a head of 40,000 bytes',
      ok(`X-A: ${'v'.repeat(40_000)}\r\nContent-Length: 0`, ''),
    ],
    ['answers 502 for a head without an end', `HTTP/1.1 200 OK\r\n${'X-A: b\r\n'.repeat(8_000)}`],
  ]),
  ...bad('9112 6.3', [
    [
      'answers 502 for two different lengths',
      ok('Content-Length: 2\r\nContent-Length: 10', `ok${SMUGGLED}`),
    ],
    ['answers 502 for a list of different lengths', ok('Content-Length: 2, 10', `ok${SMUGGLED}`)],
    ['answers 502 for a negative length', ok('Content-Length: -2', 'ok')],
    ['answers 502 for a length with a sign', ok('Content-Length: +2', 'ok')],
    ['answers 502 for a length of letters', ok('Content-Length: two', 'ok')],
    ['answers 502 for a length in hexadecimal', ok('Content-Length: 0x2', 'ok')],
    ['answers 502 for an empty length', ok('Content-Length:', 'ok')],
    ['answers 502 for a length beyond 64 bits', ok('Content-Length: 18446744073709551618', 'ok')],
    [
      'answers 502 for both framings',
      ok(`Content-Length: 2\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`),
    ],
    [
      'answers 502 for both framings the other way round',
      ok(`${CHUNKED}\r\nContent-Length: 2`, `0\r\n\r\n${SMUGGLED}`),
    ],
    ['answers 502 for chunked twice', ok(`${CHUNKED}, chunked`, '0\r\n\r\n')],
    ['answers 502 for chunked on two lines', ok(`${CHUNKED}\r\n${CHUNKED}`, '0\r\n\r\n')],
    ['answers 502 for an empty transfer coding', ok('Transfer-Encoding:', 'x')],
  ]),
  ...hostile(
    '9112 6.3',
    [
      [
        'takes a transfer coding that it does not know for nothing that ends',
        ok('Transfer-Encoding: fancy', SMUGGLED.replace('smuggled', 'x')),
      ],
      [
        'takes chunks that are no chunks in the end for nothing that ends',
        ok('Transfer-Encoding: chunked, gzip', '0\r\n\r\n'),
      ],
      [
        'takes chunks in HTTP/1.0 for nothing that ends',
        `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n\r\n3\r\nabc\r\n0\r\n\r\n`,
      ],
    ],
    { answers: [[200, 502]], ending: 'either' },
  ),
  ...cut('9112 8', [
    ['cuts a client whose answer ends before its length', ok('Content-Length: 10', 'short')],
    ['cuts a client whose answer ends before its first byte', ok('Content-Length: 10', '')],
    ['cuts a client whose chunks end early', ok(CHUNKED, '5\r\nhello\r\n')],
    ['cuts a client whose answer ends within a chunk', ok(CHUNKED, '5\r\nhe')],
    ['cuts a client whose chunks end without the last line', ok(CHUNKED, '5\r\nhello\r\n0\r\n')],
    ['cuts a client whose chunks never begin', ok(CHUNKED, '')],
    ['cuts a client whose answer has a chunk of no size', ok(CHUNKED, 'xyz\r\nhello\r\n0\r\n\r\n')],
    ['cuts a client whose answer has a negative chunk', ok(CHUNKED, '-5\r\nhello\r\n0\r\n\r\n')],
    [
      'cuts a client whose answer has a chunk of 64 bits',
      ok(CHUNKED, 'fffffffffffffff5\r\nhello\r\n0\r\n\r\n'),
    ],
    ['cuts a client whose chunk is longer than its size', ok(CHUNKED, '3\r\nhello\r\n0\r\n\r\n')],
    ['cuts a client whose chunk ends with LF', ok(CHUNKED, '5\nhello\n0\n\n')],
    ['cuts a client whose trailer is none', ok(CHUNKED, '5\r\nhello\r\n0\r\nX A\r\n\r\n')],
    [
      'cuts a client whose trailer hides a line',
      ok(CHUNKED, '5\r\nhello\r\n0\r\nX-A: b\rX-B: c\r\n\r\n'),
    ],
  ]),
  {
    name: 'cuts a client whose replica resets in its answer',
    rfc: '9112 8',
    steps: [says(gets())],
    answer: { bytes: ok('Content-Length: 10', 'short'), ending: 'resets' },
    client: { answers: [502], ending: 'closes', orCut: true },
    backend: { kind: 'any' },
  },
  {
    name: 'answers 502 when the replica resets instead of answering',
    rfc: '9110 15.6.3',
    steps: [says(asks('POST /r HTTP/1.1', 'Content-Length: 0'))],
    answer: { bytes: '', ending: 'resets' },
    client: { answers: [502], ending: 'either' },
    backend: { kind: 'any' },
  },
  ...surplus(
    '9112 9.2',
    [
      ['gives a second answer to nobody', ok('Content-Length: 2', `ok${SMUGGLED}`)],
      ['gives bytes behind an answer to nobody', ok('Content-Length: 2', 'oksmuggled bytes')],
      [
        'gives a second answer behind chunks to nobody',
        ok(CHUNKED, `2\r\nok\r\n0\r\n\r\n${SMUGGLED}`),
      ],
      [
        'gives an interim answer behind an answer to nobody',
        ok('Content-Length: 2', `okHTTP/1.1 100 Continue\r\n\r\n${SMUGGLED}`),
      ],
    ],
    'ok',
  ),
  {
    name: 'gives an answer that nobody asked for to nobody',
    rfc: '9112 9.2',
    steps: [says(gets())],
    answer: { bytes: ok('Content-Length: 2', 'ok'), late: SMUGGLED },
    client: { answers: [200], ending: 'stays', body: 'ok', never: NEVER },
    backend: { kind: 'any' },
  },
  bodiless(
    'gives the body of a 204 to nobody',
    '9110 15.3.5',
    `HTTP/1.1 204 No Content\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    204,
  ),
  bodiless(
    'gives the chunks of a 204 to nobody',
    '9112 6.1',
    `HTTP/1.1 204 No Content\r\n${CHUNKED}\r\n\r\n8\r\nsmuggled\r\n0\r\n\r\n`,
    204,
  ),
  bodiless(
    'gives the body of a 304 to nobody',
    '9110 15.4.5',
    `HTTP/1.1 304 Not Modified\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    304,
  ),
  {
    ...bodiless(
      'gives the body of a HEAD to nobody',
      '9110 9.3.2',
      ok(`Content-Length: ${SMUGGLED.length}`, SMUGGLED),
      200,
    ),
    steps: [says(asks('HEAD /h HTTP/1.1'))],
    methods: ['HEAD'],
  },
  ...bad('9110 15.2.2', [
    [
      'answers 502 for a switch that nobody asked for',
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${SMUGGLED}`,
    ],
    [
      'answers 502 for a switch to h2c',
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI`,
    ],
  ]),
  ...hostile(
    '9110 15.2',
    [['ends a replica that never stops to say 100', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(2_000)]],
    { answers: [502], ending: 'either' },
  ),
]
