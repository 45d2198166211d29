import { expect, test } from 'vitest'
import { textOf } from '../../../../proxy/http1/parsing/request-head.ts'
import { accepted, message, verdictOn } from './reading.ts'

const first = 'GET / HTTP/1.1'

test.each([
  'a',
  'A.Example',
  'a.example.',
  'a.example:8080',
  'a:1',
  'a:65535',
  '127.0.0.1',
  '127.0.0.1:80',
  'localhost:3000',
  'my_service',
  'a-b.c-d',
  '-',
  '~user',
  '123',
  'xn--bcher-kva.example',
  '[::1]',
  '[::1]:8080',
  '[2001:DB8::1]',
  '[::ffff:127.0.0.1]:80',
  `${'a'.repeat(63)}.${'b'.repeat(63)}.example`,
])('parseRequestHead() accepts the Host %j', (host) => {
  const { head, bytes } = accepted(message(first, `Host: ${host}`))
  expect(textOf(bytes, head.hostFrom, head.hostTo)).toBe(host)
})

test.each([
  '',
  ' ',
  'a b',
  'a,b',
  'a, b',
  'u@a',
  'u:p@a',
  '@',
  'a/',
  'a/b',
  'a?b',
  'a#b',
  'a\\b',
  'http://a',
  'a:',
  ':80',
  ':',
  'a:b',
  'a:80x',
  'a:x80',
  'a:+80',
  'a:-1',
  'a:0',
  'a:080',
  'a:65536',
  'a:99999',
  'a:123456',
  'a:80:80',
  'a::80',
  'a%20b',
  '%61',
  'a%00',
  'a..b',
  '.a',
  '.',
  '..',
  'a!b',
  "a'b",
  'a*b',
  '*',
  'a;b',
  'a=b',
  'a"b',
  '<a>',
  'a|b',
  '\xffa',
  'b\xfccher',
  '[',
  ']',
  '[]',
  '[]:80',
  '[:]',
  '[::1',
  '::1',
  '[::1]x',
  '[::1]:',
  '[::1]:x',
  '[::1]80',
  '[[::1]]',
  '[::1%eth0]',
  '[fe80::1%25eth0]',
  '[1:2:3]',
  '[127.0.0.1]',
  '[a]',
  '[v1.a]',
  'a[::1]',
  'a'.repeat(300),
])('parseRequestHead() refuses the Host %j with 400', (host) => {
  expect(verdictOn(message(first, `Host: ${host}`))).toBe(-400)
  if (host !== '') expect(verdictOn(message('GET / HTTP/1.0', `Host: ${host}`))).toBe(-400)
})

test.each([
  [],
  ['Hosts: a'],
  ['X-Host: a'],
  ['Host: a', 'Host: a'],
  ['Host: a', 'HOST: b'],
  ['Host: a', 'X: y', 'host:'],
] as const)('parseRequestHead() refuses the lines %j with 400', (...lines) => {
  expect(verdictOn(message(first, ...lines))).toBe(-400)
})

test('parseRequestHead() wants no Host from a client of HTTP/1.0', () => {
  const { head } = accepted(message('GET / HTTP/1.0'))
  expect(head).toMatchObject({ hostFrom: -1, hostTo: -1, minor: 0, count: 0 })
  expect(verdictOn(message('GET / HTTP/1.0', 'Host: a', 'Host: a'))).toBe(-400)
})
