import { but, declined, passes, passesOrRefuses } from '../support/expectations.ts'
import { asks, ENDS, HIDDEN, hears, says, type WireCase } from '../support/wire-case.ts'

const KEY = ['Sec-WebSocket-Key: d2lyZSBjb25mb3JtYW5jZQ==', 'Sec-WebSocket-Version: 13'] as const
const OFFER = ['Connection: Upgrade', 'Upgrade: websocket', ...KEY] as const
const SWITCHES =
  'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n'

function open(...headers: readonly string[]): string {
  return asks('GET /ws HTTP/1.1', ...headers)
}

const TUNNEL = { bytes: SWITCHES, ending: 'tunnels' } as const
const ASKED = {
  kind: 'requests',
  requests: [
    {
      target: '/ws',
      headers: [
        ['upgrade', 'websocket'],
        ['sec-websocket-version', '13'],
        ['sec-websocket-key', 'd2lyZSBjb25mb3JtYW5jZQ=='],
      ],
    },
  ],
} as const

const FORMS = [
  ['as browsers write it', ['Connection: Upgrade', 'Upgrade: websocket']],
  ['in small letters', ['connection: upgrade', 'upgrade: websocket']],
  ['in capitals', ['CONNECTION: UPGRADE', 'UPGRADE: WEBSOCKET']],
  ['beside keep-alive', ['Connection: keep-alive, Upgrade', 'Upgrade: websocket']],
  [
    'on two lines of Connection',
    ['Connection: keep-alive', 'Connection: Upgrade', 'Upgrade: websocket'],
  ],
  ['with Upgrade first', ['Upgrade: websocket', 'Connection: Upgrade']],
] as const

export const webSocket: readonly WireCase[] = [
  ...FORMS.map(
    ([how, headers]): WireCase => ({
      name: `opens a WebSocket that is asked for ${how}`,
      rfc: '6455 4.1',
      steps: [says(open(...headers, ...KEY)), hears(/ 101 [\s\S]*\r\n\r\n$/), says('hello')],
      answer: TUNNEL,
      client: {
        answers: [101],
        ending: 'either',
        tunnelled: 'HELLO',
        headers: [['sec-websocket-accept', 'x']],
      },
      backend: ASKED,
    }),
  ),
  {
    name: 'passes what belongs to the handshake on',
    rfc: '6455 4.2.1',
    steps: [
      says(
        open(
          ...OFFER,
          'Origin: http://wire.test',
          'Sec-WebSocket-Protocol: chat, log',
          'Sec-WebSocket-Extensions: permessage-deflate',
        ),
      ),
      hears(/ 101 /),
    ],
    answer: TUNNEL,
    client: { answers: [101], ending: 'either' },
    backend: {
      kind: 'requests',
      requests: [
        {
          headers: [
            ['origin', 'http://wire.test'],
            ['sec-websocket-protocol', 'chat, log'],
            ['sec-websocket-extensions', 'permessage-deflate'],
          ],
        },
      ],
    },
  },
  {
    name: 'passes on what a client says before it hears of the switch',
    rfc: '6455 4.1',
    steps: [says(`${open(...OFFER)}early`)],
    answer: TUNNEL,
    client: { answers: [101], ending: 'either', tunnelled: 'EARLY' },
    backend: ASKED,
  },
  {
    name: 'passes on what a replica says along with the switch',
    rfc: '6455 4.2.2',
    steps: [says(open(...OFFER))],
    answer: { bytes: `${SWITCHES}welcome`, ending: 'tunnels' },
    client: { answers: [101], ending: 'either', tunnelled: 'welcome' },
    backend: ASKED,
  },
  {
    name: 'reads nothing of what goes through a WebSocket',
    rfc: '6455 5',
    steps: [says(open(...OFFER)), hears(/ 101 [\s\S]*\r\n\r\n$/), says(HIDDEN)],
    answer: TUNNEL,
    client: { answers: [101], ending: 'either', tunnelled: HIDDEN.toUpperCase() },
    backend: ASKED,
  },
  {
    name: 'carries 20,000 bytes through a WebSocket',
    rfc: '6455 5',
    steps: [says(open(...OFFER)), hears(/ 101 [\s\S]*\r\n\r\n$/), says('w'.repeat(20_000))],
    answer: TUNNEL,
    client: { answers: [101], ending: 'either', tunnelled: 'W'.repeat(20_000) },
    backend: ASKED,
  },
  {
    name: 'closes the client when the replica ends a WebSocket',
    rfc: '6455 7.1.1',
    steps: [says(open(...OFFER)), hears(/ 101 [\s\S]*\r\n\r\n$/), says('bye!')],
    answer: TUNNEL,
    client: { answers: [101], ending: 'closes', tunnelled: 'BYE!' },
    backend: ASKED,
  },
  {
    name: 'ends a WebSocket when the client ends it',
    rfc: '6455 7.1.1',
    steps: [says(open(...OFFER)), hears(/ 101 [\s\S]*\r\n\r\n$/), ENDS],
    answer: TUNNEL,
    client: { answers: [101], ending: 'closes' },
    backend: ASKED,
  },
  ...[400, 401, 403, 404, 426, 503].map(
    (status): WireCase => ({
      name: `passes the refusal ${status} of a WebSocket on`,
      rfc: '6455 4.2.2',
      steps: [says(open(...OFFER))],
      answer: {
        bytes: `HTTP/1.1 ${status} No\r\nContent-Length: 2\r\nSec-WebSocket-Version: 13\r\n\r\nno`,
      },
      client: {
        answers: [status],
        ending: 'either',
        body: 'no',
        headers: [['sec-websocket-version', '13']],
      },
      backend: ASKED,
    }),
  ),
  {
    name: 'opens no tunnel when the replica answers 200',
    rfc: '9110 7.8',
    steps: [says(open(...OFFER)), hears(/ 200 [\s\S]*no tunnel/)],
    answer: { bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno tunnel' },
    client: { answers: [200], ending: 'either', body: 'no tunnel' },
    backend: ASKED,
  },
  {
    name: 'opens no tunnel for what follows a handshake that is refused',
    rfc: '9110 7.8',
    steps: [says(open(...OFFER) + HIDDEN.replace('/hidden', '/probe'))],
    answer: { bytes: 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno' },
    client: { answers: [426], ending: 'either', orCut: true, body: 'no' },
    backend: ASKED,
  },
  ...[
    ['another protocol than was asked for', 'Upgrade: h2c\r\nConnection: Upgrade\r\n'],
    ['no protocol', 'Connection: Upgrade\r\n'],
    ['several protocols', 'Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n'],
  ].map(
    ([what, headers]): WireCase => ({
      name: `opens no tunnel when the replica switches to ${what}`,
      rfc: '9110 15.2.2',
      steps: [says(open(...OFFER))],
      answer: { bytes: `HTTP/1.1 101 Switching Protocols\r\n${headers}\r\nraw bytes` },
      client: { answers: [502], ending: 'either', never: 'raw bytes' },
      backend: { kind: 'any' },
    }),
  ),
  passesOrRefuses(
    'opens no WebSocket without Connection: Upgrade',
    '9110 7.8',
    open('Upgrade: websocket', ...KEY),
    { target: '/ws', lacks: ['upgrade'] },
  ),
  passesOrRefuses(
    'opens no WebSocket without Upgrade',
    '9110 7.8',
    open('Connection: Upgrade', ...KEY),
    { target: '/ws', lacks: ['upgrade'] },
  ),
  passesOrRefuses(
    'opens no WebSocket for a POST',
    '6455 4.1',
    `${asks('POST /ws HTTP/1.1', ...OFFER, 'Content-Length: 3')}abc`,
    { target: '/ws', body: 'abc', lacks: ['upgrade'] },
  ),
  passesOrRefuses(
    'opens no WebSocket for a GET with a body',
    '6455 4.1',
    `${open(...OFFER, `Content-Length: ${HIDDEN.length}`)}${HIDDEN}`,
    { target: '/ws', body: HIDDEN, lacks: ['upgrade'] },
  ),
  but(
    passes(
      'takes websockets for no WebSocket',
      '9110 7.8',
      open('Connection: Upgrade', 'Upgrade: websockets', ...KEY),
      { target: '/ws', lacks: ['upgrade'] },
    ),
    { client: { ending: 'either' } },
  ),
  ...declined(
    '9110 7.4',
    [404, 421],
    [
      [
        'opens no WebSocket to a host that it does not have',
        open(...OFFER).replace('wire.test', 'elsewhere.test'),
      ],
    ],
  ),
]
