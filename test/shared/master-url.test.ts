import { expect, test } from 'vitest'
import { checkMasterUrl } from '../../shared/control-client.ts'

const good = [
  ['10.0.0.1:18080', { insecure: true }, 'http://10.0.0.1:18080'],
  ['10.0.0.1', { insecure: true }, 'http://10.0.0.1:18080'],
  ['localhost', {}, 'http://localhost:18080'],
  ['127.0.0.1:9/', {}, 'http://127.0.0.1:9'],
  ['http://[::1]:9', {}, 'http://[::1]:9'],
  ['http://127.0.0.1', {}, 'http://127.0.0.1:18080'],
  ['http://127.0.0.1:80', {}, 'http://127.0.0.1'],
  ['https://master.example:1', { trusted: true }, 'https://master.example:1'],
] as const

test.each(good)('checkMasterUrl() takes %s', (text, rules, expected) => {
  expect(checkMasterUrl(text, rules)).toBe(expected)
})

test.each([
  [
    '10.0.0.1:18080',
    'Cannot join http://10.0.0.1:18080: plain HTTP is for loopback only; run "orches',
  ],
  [
    'http://master.example',
    'Cannot join http://master.example:18080: plain HTTP is for loopback only',
  ],
  ['http://127.0.0.1.example:1', 'plain HTTP is for loopback only'],
  ['https://10.0.0.1:1', 'Cannot join https://10.0.0.1:1: a token is needed'],
  ['ftp://127.0.0.1', 'expected http://HOST:PORT'],
  ['http://127.0.0.1/path', 'expected http://HOST:PORT'],
  ['http://a:b@127.0.0.1', 'Cannot use "http://…@127.0.0.1"'],
  ['', 'expected http://HOST:PORT'],
  ['http://x:99999', 'expected http://HOST:PORT'],
])('checkMasterUrl() refuses %s', (text, expected) => {
  expect(() => checkMasterUrl(text, {})).toThrow(expected)
})
