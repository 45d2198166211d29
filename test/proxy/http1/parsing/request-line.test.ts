import { METHODS } from 'node:http'
import { expect, test } from 'vitest'
import { textOf } from '../../../../proxy/http1/parsing/request-head.ts'
import { accepted, message, verdictOn } from './reading.ts'

const line = (text: string): string => message(text, 'Host: a')

const REFUSED = new Set(['CONNECT', 'TRACE', 'SOURCE'])

test.each(METHODS.filter((method) => !REFUSED.has(method)))(
  'parseRequestHead() accepts the method %s that node knows',
  (method) => {
    const { head, bytes } = accepted(line(`${method} /x?y HTTP/1.1`))
    expect(head.method).toBe(method)
    expect(textOf(bytes, head.targetFrom, head.targetTo)).toBe('/x?y')
    expect(textOf(bytes, head.pathFrom, head.targetTo)).toBe('/x?y')
    expect(head.minor).toBe(1)
  },
)

test.each([
  ['CONNECT a:1 HTTP/1.1', -405],
  ['CONNECT /x HTTP/1.1', -405],
  ['TRACE / HTTP/1.1', -405],
  ['get / HTTP/1.1', -501],
  ['Get / HTTP/1.1', -501],
  ['GETT / HTTP/1.1', -501],
  ['GE / HTTP/1.1', -501],
  ['FOO / HTTP/1.1', -501],
  ['SOURCE /x ICE/1.0', -405],
  ['PRI * HTTP/2.0', -501],
  ['UNSUBSCRIBED / HTTP/1.1', -501],
  [`${'A'.repeat(300)} / HTTP/1.1`, -501],
  ['G@T / HTTP/1.1', -400],
  ['GET( / HTTP/1.1', -400],
  ['G\xc9T / HTTP/1.1', -400],
  [' GET / HTTP/1.1', -400],
  ['\tGET / HTTP/1.1', -400],
  ['\0GET / HTTP/1.1', -400],
  ['"GET" / HTTP/1.1', -400],
  ['GET:/ HTTP/1.1', -400],
] as const)('parseRequestHead() refuses the method of %j with %i', (text, verdict) => {
  expect(verdictOn(line(text))).toBe(verdict)
})

test.each([
  'GET / HTTP/1.1',
  'GET /a/b;c=d,e/@f:g?h=i&j=k/l?m HTTP/1.1',
  'GET //evil.example/x HTTP/1.1',
  'GET /a/../b/%2e%2e/%00%0d%0a HTTP/1.1',
  'GET /?q=[]{}|^`"<>\\~!$&\'()*+,-._ HTTP/1.1',
  'GET /% HTTP/1.1',
  `GET /${'a'.repeat(8_000)} HTTP/1.1`,
  'OPTIONS * HTTP/1.1',
  'OPTIONS * HTTP/1.0',
  'GET http://a/ HTTP/1.1',
  'GET http://a HTTP/1.1',
  'GET http://a?b HTTP/1.1',
  'GET HTTP://A/x HTTP/1.1',
  'GET http://a:80/x HTTP/1.1',
  'GET https://a:443/x HTTP/1.1',
  'GET https://a/x HTTP/1.1',
  'OPTIONS http://a HTTP/1.1',
] as const)('parseRequestHead() accepts the target of %j', (text) => {
  expect(verdictOn(line(text))).toBeGreaterThan(0)
})

test.each([
  'GET  / HTTP/1.1',
  'GET /  HTTP/1.1',
  'GET\t/ HTTP/1.1',
  'GET /\tHTTP/1.1',
  'GET /a b HTTP/1.1',
  'GET HTTP/1.1',
  'GET  HTTP/1.1',
  'GET /',
  'GET / ',
  'GET',
  'GET * HTTP/1.1',
  'GET /* /x HTTP/1.1',
  'OPTIONS *x HTTP/1.1',
  'OPTIONS */x HTTP/1.1',
  'OPTIONS ** HTTP/1.1',
  'GET x HTTP/1.1',
  'GET ?x HTTP/1.1',
  'GET ./x HTTP/1.1',
  'GET \\x HTTP/1.1',
  'GET a:80 HTTP/1.1',
  'GET @a/ HTTP/1.1',
  'GET /#x HTTP/1.1',
  'GET /x#/y HTTP/1.1',
  'GET #x HTTP/1.1',
  'GET /\0 HTTP/1.1',
  'GET /\x01 HTTP/1.1',
  'GET /\x7f HTTP/1.1',
  'GET /\x80 HTTP/1.1',
  'GET /\xc3\xa9 HTTP/1.1',
  'GET /\v HTTP/1.1',
  'GET ftp://a/ HTTP/1.1',
  'GET ws://a/ HTTP/1.1',
  'GET file:///etc/passwd HTTP/1.1',
  'GET http:/a HTTP/1.1',
  'GET http:a HTTP/1.1',
  'GET http:// HTTP/1.1',
  'GET http:///x HTTP/1.1',
  'GET http://?x HTTP/1.1',
  'GET http://u@a/ HTTP/1.1',
  'GET http://u:p@a/ HTTP/1.1',
  'GET http://a:x/ HTTP/1.1',
  'GET http://a:/ HTTP/1.1',
  'GET http://a\\b/ HTTP/1.1',
  'GET http://a,b/ HTTP/1.1',
  'GET httpx://a/ HTTP/1.1',
  'GET xhttp://a/ HTTP/1.1',
  'GET http%3a//a/ HTTP/1.1',
] as const)('parseRequestHead() refuses the target of %j with 400', (text) => {
  expect(verdictOn(line(text))).toBe(-400)
})

test.each([
  ['http://b/', 'Host: a'],
  ['http://a:81/', 'Host: a'],
  ['http://a/', 'Host: a:81'],
  ['http://a:443/', 'Host: a'],
  ['https://a:80/', 'Host: a'],
  ['http://a.b/', 'Host: a'],
] as const)('parseRequestHead() refuses %s when it has %s', (target, host) => {
  expect(verdictOn(message(`GET ${target} HTTP/1.1`, host))).toBe(-400)
})

test.each([
  ['http://a/', 'Host: A:80'],
  ['https://A', 'Host: a:443'],
  ['http://[::1]:81/x', 'Host: [::1]:81'],
] as const)('parseRequestHead() accepts %s when it has %s', (target, host) => {
  expect(verdictOn(message(`GET ${target} HTTP/1.1`, host))).toBeGreaterThan(0)
})

test('parseRequestHead() says where authority and path of an absolute target are', () => {
  const { head, bytes } = accepted('GET https://A:443/x?y HTTP/1.1\r\nHost: a\r\n\r\n')
  expect(textOf(bytes, head.authorityFrom, head.authorityTo)).toBe('A:443')
  expect(textOf(bytes, head.pathFrom, head.targetTo)).toBe('/x?y')
})

test('parseRequestHead() says that an absolute target without a path has none', () => {
  const { head, bytes } = accepted('GET http://a?y HTTP/1.0\r\n\r\n')
  expect(textOf(bytes, head.authorityFrom, head.authorityTo)).toBe('a')
  expect(textOf(bytes, head.pathFrom, head.targetTo)).toBe('?y')
  expect(head.hostFrom).toBe(-1)
})

test.each([
  ['HTTP/1.2', -505],
  ['HTTP/2.0', -505],
  ['HTTP/0.9', -505],
  ['HTTP/3.1', -505],
  ['HTTP/9.9', -505],
  ['HTTP/2', -400],
  ['HTTP/1', -400],
  ['HTTP/1.', -400],
  ['HTTP/1.10', -400],
  ['HTTP/01.1', -400],
  ['HTTP/11.1', -400],
  ['HTTP/1,1', -400],
  ['HTTP/1.1 ', -400],
  ['HTTP/1.1\t', -400],
  ['HTTP/+1.1', -400],
  ['HTTP/1.a', -400],
  ['HTTP /1.1', -400],
  ['HTTP/ 1.1', -400],
  ['http/1.1', -400],
  ['Http/1.1', -400],
  ['HTTPS/1.1', -400],
  ['ICE/1.0', -400],
  ['RTSP/1.0', -400],
  ['HTTP', -400],
  ['H', -400],
  ['HTTP/1.1\0', -400],
  ['HTTP/1.1\r', -400],
  ['HTTP/\r\r1.1', -400],
] as const)('parseRequestHead() refuses the version %j with %i', (version, verdict) => {
  expect(verdictOn(line(`GET / ${version}`))).toBe(verdict)
})

test.each(['\r\n', '\r\n\r\n'])('parseRequestHead() passes over %j before a request', (before) => {
  const { head } = accepted(`${before}GET / HTTP/1.1\r\nHost: a\r\n\r\n`)
  expect(head.end).toBe(before.length + 27)
  expect(head.targetFrom).toBe(before.length + 4)
})

test.each(['\r\n\r\n\r\n', '\n', '\r', '\r\r\n', '\n\r\n', ' \r\n', '\r\n\n', '\r\n '])(
  'parseRequestHead() refuses %j before a request with 400',
  (before) => expect(verdictOn(`${before}GET / HTTP/1.1\r\nHost: a\r\n\r\n`)).toBe(-400),
)

test.each([
  'GET / HTTP/1.1\nHost: a\n\n',
  'GET / HTTP/1.1\nHost: a\r\n\r\n',
  'GET / HTTP/1.1\rHost: a\r\r',
  'GET / HTTP/1.1\r\r\nHost: a\r\n\r\n',
  'GET /x\r\n\r\n',
  'GET /x\n',
  '\x16\x03\x01\x00\xc8\x01\x00\x00\xc4\x03\x03',
  '\x80\x2e\x01\x00\x02',
  '{"json": true}',
  '<xml/>',
])('parseRequestHead() refuses %j with 400', (text) => {
  expect(verdictOn(text)).toBe(-400)
})

test('parseRequestHead() refuses what speaks another protocol as soon as that is sure', () => {
  expect(verdictOn('SSH-2.0-OpenSSH_9.2\r\n')).toBe(-501)
  expect(verdictOn('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')).toBe(-501)
  expect(verdictOn('\x05')).toBe(-400)
})
