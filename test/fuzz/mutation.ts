import type { Random } from './random.ts'

/** Bytes and strings that parsers have tripped over. */
const SPECIAL = [
  ...['\r', '\n', '\r\n', '\n\n', '\r\r\n', '\0', ' ', '\t', '\v', '\f', '\x7f', '\x85', '\xa0'],
  ...[':', ';', ',', '"', '\\', '/', '@', '#', '?', '[', ']', '=', '+', '-', '_', '.', '%', '*'],
  ...['0', '1', '9', 'a', 'f', 'x', '0x', '00', '\xff', '\x80', 'é', '\r\n ', '\r\n\t', ' :', ': '],
  ...['chunked', 'identity', 'close', 'keep-alive', 'HTTP/1.1', 'HTTP/1.0', '//', '..', 'gzip'],
  ...['Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Host: b\r\n', '\r\n\r\n'],
]

/** The bytes with some of them changed, in most cases; often still valid, or nearly so. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  if (random.chance(0.2)) return bytes
  let result = bytes
  const times = random.pick([1, 1, 1, 1, 2, 2, 3, 5])
  for (let time = 0; time < times; time += 1) result = mutatedOnce(result, random)
  return result
}

function mutatedOnce(bytes: Buffer, random: Random): Buffer {
  const at = random.below(bytes.length + 1)
  const to = Math.min(bytes.length, at + random.pick([1, 1, 1, 2, 4, 16, 40]))
  switch (random.below(8)) {
    case 0:
      return spliced(bytes, at, to, Buffer.alloc(0))
    case 1:
      return spliced(bytes, at, at, Buffer.from(random.pick(SPECIAL), 'latin1'))
    case 2:
      return spliced(bytes, at, at + 1, Buffer.from(random.pick(SPECIAL), 'latin1'))
    case 3:
      return spliced(bytes, at, at + 1, Buffer.from([random.below(256)]))
    case 4:
      return spliced(bytes, at, at, bytes.subarray(at, to))
    case 5:
      return withLine(bytes, random, true)
    case 6:
      return withLine(bytes, random, false)
    default:
      return otherCase(bytes, at, to)
  }
}

function spliced(bytes: Buffer, from: number, to: number, middle: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, from), middle, bytes.subarray(to)])
}

/** One line of it once more, somewhere else; or not any more where it was. */
function withLine(bytes: Buffer, random: Random, keep: boolean): Buffer {
  const lines = bytes.toString('latin1').split('\r\n')
  const from = random.below(lines.length)
  const line = lines[from] ?? ''
  if (!keep) lines.splice(from, 1)
  lines.splice(random.below(lines.length + 1), 0, line)
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

function otherCase(bytes: Buffer, from: number, to: number): Buffer {
  const changed = bytes.toString('latin1', from, to)
  const upper = changed.toUpperCase()
  const other = upper === changed ? changed.toLowerCase() : upper
  return spliced(bytes, from, to, Buffer.from(other, 'latin1'))
}
