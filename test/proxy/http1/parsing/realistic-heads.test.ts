import { expect, test } from 'vitest'
import { accepted, verdictOn } from './reading.ts'
import { realisticHeads } from './realistic-heads.ts'

const heads = realisticHeads()

test('parseRequestHead() accepts what the clients of the world send', () => {
  expect(heads.length).toBeGreaterThan(500)
  const refused = heads.filter(({ text }) => verdictOn(text) !== text.length)
  expect(refused.map(({ client, text }) => `${client}: ${verdictOn(text)} ${text}`)).toEqual([])
})

test('parseRequestHead() finds every line and the framing of what they send', () => {
  for (const { text, count } of heads) {
    const { head } = accepted(text)
    const length = /^content-length: (\d+)\r$/im.exec(text)?.[1] ?? '-1'
    expect(head).toMatchObject({
      count,
      method: text.split(' ')[0],
      contentLength: Number(length),
      chunked: /^transfer-encoding: chunked\r$/im.test(text),
      upgradesToWebSocket: text.includes('websocket HTTP/1.1'),
    })
  }
})

test('parseRequestHead() refuses each of them once one of its bytes is a NUL', () => {
  for (const { text } of heads) {
    const at = (text.length * 7) % (text.length - 4)
    expect(verdictOn(`${text.slice(0, at)}\0${text.slice(at + 1)}`)).toBeLessThan(0)
  }
})
