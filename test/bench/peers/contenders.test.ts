import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../../support/program.ts'
import { filledIn } from './contenders.ts'

test('filledIn() puts the ports of the run into a file, and leaves others alone', () => {
  const template = 'listen 127.0.0.1:19101; server 127.0.0.1:19001; server 127.0.0.1:19002; :80'
  expect(filledIn(template, [5001, 5002], 5000)).toBe(
    'listen 127.0.0.1:5000; server 127.0.0.1:5001; server 127.0.0.1:5002; :80',
  )
})

test('filledIn() refuses a file that names more replicas than there are', () => {
  expect(() => filledIn('server 127.0.0.1:19002;', [5001], 5000)).toThrow(/19002/)
})

const balanced = ['nginx-balance.conf', 'haproxy-leastconn.cfg', 'haproxy-random.cfg']
test.each([...balanced, 'haproxy-maxconn.cfg', 'Caddyfile-balance'])(
  '%s names ten replicas',
  (file) => {
    const text = readFileSync(join(ROOT, 'test/bench/peers', file), 'utf8')
    const ports = new Set(text.match(/127\.0\.0\.1:190\d\d/g))
    expect(ports.size).toBe(10)
  },
)
