import { declined, passes, refused } from '../support/expectations.ts'
import { HOST, lines, type WireCase } from '../support/wire-case.ts'

function to(...hosts: readonly string[]): string {
  return lines('GET /h HTTP/1.1', ...hosts)
}

const PLACE = [400, 404, 421]

export const host: readonly WireCase[] = [
  ...[
    'Host: wire.test:80',
    'Host: WIRE.TEST',
    'host: wire.test',
    'HOST:wire.test',
    'Host: \t wire.test \t',
  ].map((line) =>
    passes(`routes by ${JSON.stringify(line)}`, '9110 7.2', to(line), {
      target: '/h',
      headers: [['host', line.slice(5).trim()]],
    }),
  ),
  passes('routes by a host that ends with a dot', '9110 4.2.3', to('Host: wire.test.'), {
    target: '/h',
  }),
  passes('routes by an address of IPv6', '9110 4.2.1', to('Host: [::1]:8080'), { target: '/h' }),
  passes('reads a Host that comes last', '9110 7.2', to('Accept: */*', 'X-Y: z', HOST), {
    target: '/h',
  }),
  ...declined('9110 7.4', PLACE, [
    ['routes no host that it does not have', to('Host: elsewhere.test')],
    ['routes no host of which its own is an ending', to('Host: notwire.test')],
    ['routes no host below its own', to('Host: sub.wire.test')],
    ['routes no host that its own is the beginning of', to('Host: wire.test.elsewhere.test')],
    ['routes no empty Host', to('Host:')],
    ['routes no Host of blanks', to('Host:   ')],
  ]),
  ...refused('9112 3.2', 400, [
    ['refuses a request of HTTP/1.1 without a Host', lines('GET /h HTTP/1.1')],
    ['refuses a request whose Host has an underscore for a letter', to('H_st: wire.test')],
    ['refuses two equal Hosts', to(HOST, HOST)],
    ['refuses two Hosts', to(HOST, 'Host: elsewhere.test')],
    ['refuses two Hosts of which the first is empty', to('Host:', HOST)],
    ['refuses two Hosts of other case', to(HOST, 'hOsT: elsewhere.test')],
    ['refuses a list of Hosts', to('Host: wire.test, elsewhere.test')],
    ['refuses two Hosts in one', to('Host: wire.test elsewhere.test')],
    ['refuses a Host with a user', to('Host: me@wire.test')],
    ['refuses a Host with an empty user', to('Host: @wire.test')],
    ['refuses a Host with a scheme', to('Host: http://wire.test')],
    ['refuses a Host with a path', to('Host: wire.test/x')],
    ['refuses a Host with a query', to('Host: wire.test?x')],
    ['refuses a Host with a fragment', to('Host: wire.test#x')],
    ['refuses a Host with a backslash', to('Host: wire.test\\x')],
    ['refuses a Host with a port of letters', to('Host: wire.test:http')],
    ['refuses a Host with a port of six digits', to('Host: wire.test:123456')],
    ['refuses a Host with two ports', to('Host: wire.test:80:80')],
    ['refuses a Host with a negative port', to('Host: wire.test:-1')],
    ['refuses a Host with an open bracket', to('Host: [::1')],
    ['refuses a Host with text behind its bracket', to('Host: [::1]x')],
    ['refuses a Host with letters in brackets', to('Host: [wire.test]')],
    ['refuses a Host with a NUL', to('Host: wire.test\0')],
    ['refuses a Host with a control character', to('Host: wire\x01.test')],
    ['refuses a Host with bytes beyond ASCII', to('Host: w\xefre.test')],
    ['refuses a Host in quotes', to('Host: "wire.test"')],
    ['refuses a Host with a less-than sign', to('Host: <wire.test>')],
    ['refuses a Host that is folded', 'GET /h HTTP/1.1\r\nHost:\r\n wire.test\r\n\r\n'],
    ['refuses a Host with a blank before its colon', to('Host : wire.test')],
  ]),
]
