import { expect, test } from 'vitest'
import { endToEnd, fromClient, safeTrailers } from '../../../proxy/decide/headers.ts'
import { askedOf } from '../../../proxy/decide/target.ts'

test.each([
  ['/x?y', ['a.test:80'], { host: 'a.test:80', target: '/x?y' }],
  ['/x', [], { host: '', target: '/x' }],
  ['/x', ['[::1]:80'], { host: '[::1]:80', target: '/x' }],
  ['http://b.test/x?y', ['a.test'], { host: 'b.test', target: '/x?y' }],
  ['HTTP://b.test?y', ['a.test'], { host: 'b.test', target: '/?y' }],
  ['/x', ['a', 'a'], undefined],
  ['/x#y', ['a'], undefined],
  ['/x', ['a@b'], undefined],
  ['/x', ['a:b'], undefined],
  ['/x', ['a b'], undefined],
  ['/x', ['a/b'], undefined],
  ['x', ['a'], undefined],
  ['*', ['a'], undefined],
  ['http://a@b/x', ['a'], undefined],
  ['http:///x', ['a'], undefined],
  ['ftp://a/x', ['a'], undefined],
])('askedOf(%s, %j) is %j', (target, hosts, asked) => {
  expect(askedOf(target, hosts)).toEqual(asked)
})

test('endToEnd() keeps order, doubles and case, and drops what one connection is about', () => {
  const headers = [
    'A',
    '1',
    'connection',
    'x-b, Close',
    'X-B',
    '2',
    'a',
    '3',
    'Transfer-Encoding',
    'chunked',
  ]
  expect(endToEnd(headers)).toEqual(['A', '1', 'a', '3'])
})

test('endToEnd() lets Connection remove neither the host nor the length', () => {
  const headers = ['Connection', 'host, content-length', 'Host', 'a', 'Content-Length', '3']
  expect(endToEnd(headers)).toEqual(['Host', 'a', 'Content-Length', '3'])
})

test('fromClient() believes no client that says what only the proxy may say', () => {
  const headers = [
    'X-Forwarded-For',
    '1',
    'x_forwarded_proto',
    'https',
    'Forwarded',
    'for=1',
    'X-Real-Ip',
    '1',
    'Expect',
    'x',
    'B',
    '2',
  ]
  expect(fromClient(headers)).toEqual(['B', '2'])
})

test('safeTrailers() passes on what cannot change how the message is read', () => {
  const trailers = [
    'X-Sum',
    '1',
    'Content-Length',
    '3',
    'Transfer-Encoding',
    'chunked',
    'X-Forwarded-For',
    '1',
  ]
  expect(safeTrailers(trailers)).toEqual([['X-Sum', '1']])
})
