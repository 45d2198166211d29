import type { Random } from './random.ts'

const METHODS = ['GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'PATCH']
const RARE_METHODS = ['PROPFIND', 'M-SEARCH', 'QUERY', 'PURGE', 'SOURCE', 'CONNECT', 'TRACE']
const TARGETS = ['/', '/x', '/a/b?c=d&e=%20', '//b/c', '/..;/a', '/?q=[]{}|^`"<>', '/a%00', '*']
const ABSOLUTE = ['http://a/', 'https://a', 'http://a?b', 'HTTP://A/x', 'http://b/', 'http://u@a/']
const VERSIONS = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/2.0',
]
const HOSTS = [
  'a',
  'a',
  'a',
  'a:80',
  'A',
  'b.example:8080',
  '[::1]:1',
  '127.0.0.1',
  'a:',
  '',
  'a,b',
]

const NAMES = [
  ...['Accept', 'User-Agent', 'Cookie', 'X', 'x-forwarded-for', 'X_Forwarded_For', 'Via', 'TE'],
  ...['Referer', 'Content-Type', 'Authorization', 'Range', 'Keep-Alive', 'Proxy-Connection'],
  ...[
    'Set-Cookie',
    'Trailer',
    'Location',
    'Proxy',
    'Content_Length',
    'Transfer_Encoding',
    "a!#$%&'",
  ],
]
const VALUES = ['', '1', 'a b', ' a ', '\ta\t', 'text/html;q=0.9, */*', 'a: b', 'é', 'a=b; c="d"']
const CONNECTIONS = [
  ...['close', 'keep-alive', 'Keep-Alive', 'upgrade', 'Upgrade, close', 'X', 'close, X', ','],
  ...['TE, keep-alive', ' close ,', 'closer', 'close close', 'keep-alive,close', 'x\tclose'],
]
const LENGTHS = [
  '0',
  '1',
  '5',
  '17',
  '4096',
  '00',
  '05',
  '+5',
  '5,5',
  '-1',
  '9007199254740991',
  '1e3',
]
const CODINGS = [
  'chunked',
  'chunked',
  'Chunked',
  'gzip, chunked',
  'chunked, chunked',
  'identity',
  '',
]
const UPGRADES = ['websocket', 'WebSocket', 'h2c', 'websocket, h2c', 'foo/1', '']
const EXPECTATIONS = ['100-continue', '100-Continue', 'banana', '']

const STATUSES = [
  '200',
  '200',
  '200',
  '204',
  '304',
  '404',
  '500',
  '100',
  '101',
  '199',
  '999',
  '099',
]
const REASONS = [' OK', ' OK', ' OK', ' ', '', ' Not Found', ' \xe9', ' a\tb']

/** The head of a request: most are valid, all are nearly so. */
export function requestHead(random: Random): Buffer {
  const method = random.pick(random.chance(0.9) ? METHODS : RARE_METHODS)
  const target = random.pick(random.chance(0.9) ? TARGETS : ABSOLUTE)
  const lines = [`${method} ${target} ${random.pick(VERSIONS)}`]
  if (random.chance(0.95)) lines.push(`Host: ${random.pick(HOSTS)}`)
  addFields(lines, random)
  if (random.chance(0.05)) lines.push(`Expect: ${random.pick(EXPECTATIONS)}`)
  return together(lines, random.chance(0.05) ? '\r\n' : '')
}

/** The head of an answer. */
export function responseHead(random: Random): Buffer {
  const version = random.pick(VERSIONS)
  const lines = [`${version} ${random.pick(STATUSES)}${random.pick(REASONS)}`]
  addFields(lines, random)
  return together(lines, '')
}

function addFields(lines: string[], random: Random): void {
  const count = random.chance(0.03) ? random.between(30, 70) : random.below(6)
  for (let index = 0; index < count; index += 1) {
    lines.push(`${random.pick(NAMES)}:${random.chance(0.9) ? ' ' : ''}${random.pick(VALUES)}`)
  }
  if (random.chance(0.3)) lines.push(`Connection: ${random.pick(CONNECTIONS)}`)
  if (random.chance(0.3)) lines.push(`Content-Length: ${random.pick(LENGTHS)}`)
  if (random.chance(0.2)) lines.push(`Transfer-Encoding: ${random.pick(CODINGS)}`)
  if (random.chance(0.1)) lines.push(`Upgrade: ${random.pick(UPGRADES)}`)
}

function together(lines: readonly string[], before: string): Buffer {
  const [first = '', ...others] = lines
  return Buffer.from(`${before}${[first, ...others].join('\r\n')}\r\n\r\n`, 'latin1')
}
