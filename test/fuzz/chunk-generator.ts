import type { Random } from './random.ts'

const EXTENSIONS = [
  ...[';a', ';a=b', ';a=b;c', ';', ' ;a', ';a=', ';a="b c"', ';a="\\""', ';a="\xe9"', ';a=""'],
  ...[';a="\\\xe9"', ';a="\\\t"', ';a="\\\\"', ';a="\\\x01"', ';a="\\\x7f"', ';a="\r"', ';a="b"c'],
]
const TRAILERS = [
  ...['X: y', 'grpc-status: 0', 'Content-Length: 3', 'Host: a', 'X-Forwarded-For: b', 'X:'],
  ...['Transfer-Encoding: chunked', 'Connection: X', 'A: \tb ', 'Set-Cookie: a', 'X : y', 'Bad'],
]
const DATA = [
  'a',
  'hello',
  '\r\n',
  '0\r\n\r\n',
  '5\r\nhello\r\n',
  'GET / HTTP/1.1\r\n\r\n',
  'x'.repeat(40),
]

/** A chunked body, often with another message behind it: most are valid, all are nearly so. */
export function chunkedBody(random: Random): Buffer {
  let text = ''
  const count = random.below(5)
  for (let index = 0; index < count; index += 1) {
    const data = random.pick(DATA)
    text += `${sizeLine(data.length, random)}${data}\r\n`
  }
  text += sizeLine(0, random)
  const trailers = random.chance(0.25) ? random.between(1, 3) : 0
  for (let index = 0; index < trailers; index += 1) text += `${random.pick(TRAILERS)}\r\n`
  text += '\r\n'
  if (random.chance(0.5)) text += 'GET /next HTTP/1.1\r\nHost: a\r\n\r\n'
  return Buffer.from(text, 'latin1')
}

function sizeLine(size: number, random: Random): string {
  const digits = size.toString(16)
  const padded = random.chance(0.1) ? digits.padStart(random.between(2, 9), '0') : digits
  const cased = random.chance(0.5) ? padded : padded.toUpperCase()
  return `${cased}${random.chance(0.15) ? random.pick(EXTENSIONS) : ''}\r\n`
}
