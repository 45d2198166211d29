import type { Llhttp } from './llhttp.ts'
import { difference } from './outcome.ts'

/** How a message goes on behind its head. */
export interface Framing {
  readonly contentLength: number
  readonly chunked: boolean
  readonly untilTheEnd: boolean
}

const BODY_MAX = 8_192
const CHUNKS = ['3\r\nabc\r\n0\r\n\r', '\n'] as const

/** Feeds the body that our reading of the head promises: node's must end with the same byte. */
export function sameFraming(llhttp: Llhttp, framing: Framing): string {
  const { contentLength, chunked, untilTheEnd } = framing
  if (chunked)
    return sameEnd(
      llhttp,
      CHUNKS.map((text) => Buffer.from(text)),
      3,
    )
  if (untilTheEnd) return sameStream(llhttp, 10)
  if (contentLength > BODY_MAX) return sameStream(llhttp, BODY_MAX)
  if (contentLength <= 0) return difference([['bodiless', 1, llhttp.heard.complete]])
  const body = Buffer.alloc(contentLength, 'GET')
  return sameEnd(llhttp, [body.subarray(1), body.subarray(0, 1)], contentLength)
}

function sameEnd(llhttp: Llhttp, pieces: readonly Buffer[], length: number): string {
  const { heard } = llhttp
  for (const [index, piece] of pieces.entries()) {
    const error = llhttp.feed(piece)
    const complete = index === pieces.length - 1 ? 1 : 0
    const found = difference([
      ['body', undefined, error],
      ['body complete', complete, heard.complete],
    ])
    if (found !== '') return found
  }
  return difference([['body length', length, Buffer.concat(heard.body).length]])
}

function sameStream(llhttp: Llhttp, length: number): string {
  const error = llhttp.feed(Buffer.alloc(length, 'HTTP/1.1 200 OK\r\n\r\n'))
  const { heard } = llhttp
  return difference([
    ['body', undefined, error],
    ['body complete', 0, heard.complete],
    ['body length', length, Buffer.concat(heard.body).length],
  ])
}
