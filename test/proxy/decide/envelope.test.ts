import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseEnvelope } from '../../../proxy/decide/envelope.ts'
import { RequestError } from '../../../shared/errors.ts'

const parse = (value: unknown) => parseEnvelope(JSON.stringify(value))

test.each([
  { given: { name: 'web' }, target: '/', method: 'GET' },
  { given: { name: 'web', payload: { a: 1, b: 'x y' } }, target: '/?a=1&b=x%20y', method: 'GET' },
  { given: { name: 'web', payload: { a: [1, 2], b: null } }, target: '/?a=1&a=2', method: 'GET' },
  {
    given: { name: 'web', path: '/p?q=1', payload: { a: true } },
    target: '/p?q=1&a=true',
    method: 'GET',
  },
  {
    given: { name: 'web', payload: { '&=#': '\ud800' } },
    target: '/?%26%3D%23=%EF%BF%BD',
    method: 'GET',
  },
  { given: { name: 'web', method: 'delete', path: '/x' }, target: '/x', method: 'DELETE' },
])('parseEnvelope() makes $method $target of $given', ({ given, target, method }) => {
  expect(parse(given)).toMatchObject({ name: 'web', method, target })
  expect(parse(given)).not.toHaveProperty('body')
})

test.each([
  { method: 'POST', payload: undefined, body: '{}' },
  { method: 'PUT', payload: [1], body: '[1]' },
  { method: 'PATCH', payload: null, body: '{}' },
  { method: 'DELETE', payload: { a: 1 }, body: '{"a":1}' },
])('parseEnvelope() makes the JSON body $body for $method', ({ method, payload, body }) => {
  expect(parse({ name: 'web', method, payload }).body).toBe(body)
})

test.each([
  ['no object', []],
  ['a number for a name', { name: 1 }],
  ['an empty name', { name: '' }],
  ['an unknown method', { name: 'web', method: 'CONNECT' }],
  ['a relative path', { name: 'web', path: 'x' }],
  ['a host as path', { name: 'web', path: '//evil/x' }],
  ['a backslash', { name: 'web', path: '/\\evil' }],
  ['a line end in the path', { name: 'web', path: '/x\r\nHost: evil' }],
  ['a blank in the path', { name: 'web', path: '/x HTTP/1.1' }],
  ['a fragment', { name: 'web', path: '/x#y' }],
  ['an endless path', { name: 'web', path: `/${'a'.repeat(9_000)}` }],
  ['headers that are no object', { name: 'web', headers: 'X: 1' }],
  ['a header name with a blank', { name: 'web', headers: { 'X Y': '1' } }],
  ['a line end in a header', { name: 'web', headers: { X: '1\r\nY: 2' } }],
  ['an object for a header', { name: 'web', headers: { X: {} } }],
  [
    'too many headers',
    {
      name: 'web',
      headers: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`x${at}`, '1'])),
    },
  ],
  ['a nested query', { name: 'web', payload: { a: { b: 1 } } }],
  [
    'a deep payload',
    { name: 'web', method: 'POST', payload: JSON.parse(`${'['.repeat(70)}${']'.repeat(70)}`) },
  ],
])('parseEnvelope() refuses %s', (_what, given) => {
  expect(() => parse(given)).toThrow(RequestError)
})

test('parseEnvelope() forwards no header that only the proxy or the connection may set', () => {
  const headers = {
    Host: 'evil',
    'Content-Length': 3,
    'Transfer-Encoding': 'chunked',
    Connection: 'close',
    'X-Forwarded-For': '1',
    X_Forwarded_Host: '1',
    Upgrade: 'websocket',
    Expect: '100-continue',
    'X-Own': 7,
  }
  expect(parse({ name: 'web', headers }).headers).toEqual(['X-Own', '7'])
})

test('parseEnvelope() takes __proto__ for a name like any other', () => {
  const text = '{"name":"web","payload":{"__proto__":1},"headers":{"__proto__":"x"}}'
  const envelope = parseEnvelope(text)
  expect(envelope.target).toBe('/?__proto__=1')
  expect(envelope.headers).toEqual(['__proto__', 'x'])
})

test('parseEnvelope() survives nesting that no recursion would', () => {
  const deep = `{"name":"web","method":"POST","payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`
  expect(() => parseEnvelope(deep)).toThrow(RequestError)
})

test('parseEnvelope() either refuses a text or makes a request that stays on its path', () => {
  const target = /^\/(?!\/)[\x21-\x7e]*$/
  fc.assert(
    fc.property(fc.string(), fc.jsonValue(), fc.string(), (path, payload, header) => {
      try {
        const envelope = parse({ name: 'web', path: `/${path}`, payload, headers: { x: header } })
        expect(envelope.target).toMatch(target)
        expect(envelope.headers.join('')).not.toMatch(/[\r\n]/)
      } catch (error) {
        expect(error).toBeInstanceOf(RequestError)
      }
    }),
  )
})
