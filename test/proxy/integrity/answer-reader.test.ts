import { expect, test } from 'vitest'
import { AnswerReader } from './answer-reader.ts'
import { SOURCE } from './seeded.ts'

function answer(body: Buffer, chunked: boolean): Buffer {
  const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${body.length}`
  const head = Buffer.from(`HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`)
  if (!chunked) return Buffer.concat([head, body])
  const size = Buffer.from(`${body.length.toString(16)}\r\n`)
  return Buffer.concat([head, size, body, Buffer.from('\r\n0\r\n\r\n')])
}

test.each([true, false])('take() reads the same from any slices, chunked %s', (chunked) => {
  const bytes = answer(SOURCE.subarray(500, 800), chunked)
  for (let size = 1; size < bytes.length; size += 7) {
    const reader = new AnswerReader(500)
    for (let at = 0; at < bytes.length; at += size) reader.take(bytes.subarray(at, at + size))
    expect(reader).toMatchObject({ isDone: true, size: 300, wrong: '' })
  }
})

test.each([true, false])('take() notices one wrong byte, chunked %s', (chunked) => {
  const body = Buffer.from(SOURCE.subarray(500, 800))
  body[150] = (body[150] ?? 0) ^ 1
  const reader = new AnswerReader(500)
  reader.take(answer(body, chunked))
  expect(reader.wrong).toContain('other bytes')
})

test('take() does not call an answer done that misses a byte', () => {
  const reader = new AnswerReader(500)
  reader.take(answer(SOURCE.subarray(500, 800), false).subarray(0, -1))
  expect(reader.isDone).toBe(false)
})
