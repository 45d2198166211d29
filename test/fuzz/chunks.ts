import { ChunkedBody } from '../../proxy/http1/parsing/chunked-body.ts'
import { chunkedBody } from './chunk-generator.ts'
import { type Heard, Llhttp } from './llhttp.ts'
import { mutated } from './mutation.ts'
import { difference, type Subject } from './outcome.ts'
import type { Random } from './random.ts'

const HEAD = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n')

/** Chunked bodies, read by this proxy and by node; and what the proxy makes of them, too. */
export function chunkedBodies(): Subject {
  const llhttp = new Llhttp('request')
  return {
    name: 'chunked bodies',
    generate: (random) => mutated(chunkedBody(random), random),
    judge: (bytes, random) => {
      const read = readInPieces(bytes, random)
      if (read === undefined) return undefined
      // Of a body that is not over, only what was passed on counts: trailers wait for their end.
      const found = read.done ? sameBody(llhttp, bytes.subarray(0, read.length), read) : ''
      if (found !== '') return found
      const passedOn = sameBody(llhttp, read.rewritten, read)
      return passedOn === '' ? '' : `passed on: ${passedOn} ${read.rewritten.toString('latin1')}`
    },
  }
}

interface Read {
  readonly length: number
  readonly done: boolean
  readonly data: string
  readonly rewritten: Buffer
}

function readInPieces(bytes: Buffer, random: Random): Read | undefined {
  const body = new ChunkedBody()
  const data: Buffer[] = []
  const rewritten: Buffer[] = []
  let length = 0
  while (length < bytes.length && !body.done) {
    const to = random.chance(0.5)
      ? bytes.length
      : Math.min(bytes.length, length + random.between(1, 9))
    const taken = body.scan(bytes, length, to)
    if (body.broken) return undefined
    data.push(body.data)
    rewritten.push(body.clean ? bytes.subarray(length, length + taken) : body.rewritten)
    length += taken
  }
  const text = Buffer.concat(data).toString('latin1')
  return { length, done: body.done, data: text, rewritten: Buffer.concat(rewritten) }
}

/** What was passed on before the end must be sound, too. */
function sameBody(llhttp: Llhttp, bytes: Buffer, { done, data }: Read): string {
  llhttp.begin()
  const { heard } = llhttp
  llhttp.feed(HEAD)
  const most = done ? bytes.length - 1 : bytes.length
  const early = llhttp.feed(bytes.subarray(0, most))
  const found = difference([
    ['body', undefined, early],
    ['complete early', 0, heard.complete],
  ])
  if (found !== '' || !done) return found === '' ? sameData(data, heard) : found
  const late = llhttp.feed(bytes.subarray(most))
  return difference([
    ['body', undefined, late],
    ['complete', 1, heard.complete],
    ['data', data, Buffer.concat(heard.body).toString('latin1')],
  ])
}

function sameData(data: string, { body }: Heard): string {
  return difference([['data so far', data, Buffer.concat(body).toString('latin1')]])
}
