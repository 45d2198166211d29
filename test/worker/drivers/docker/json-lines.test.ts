import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonLines } from '../../../../worker/drivers/docker/json-lines.ts'

async function read(chunks: readonly Uint8Array[]): Promise<unknown[]> {
  const values: unknown[] = []
  for await (const value of jsonLines(Readable.from(chunks))) values.push(value)
  return values
}

test('jsonLines() gives every value once, wherever the chunks are cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ text: fc.string({ unit: 'binary' }) })),
      fc.array(fc.nat(200)),
      async (values, cuts) => {
        const bytes = Buffer.from(values.map((value) => `${JSON.stringify(value)}\r\n`).join(''))
        const places = [...new Set([0, ...cuts, bytes.length])].sort((a, b) => a - b)
        const chunks = places.map((from, at) => bytes.subarray(from, places[at + 1] ?? from))
        expect(await read(chunks)).toEqual(values)
      },
    ),
  )
})

test('jsonLines() takes a last line without an end, and skips empty ones', async () => {
  expect(await read([Buffer.from('\n1\n\n  \n[2]\n3')])).toEqual([1, [2], 3])
  expect(await read([])).toEqual([])
})

test('jsonLines() fails at what is no JSON, and at a line that has no end', async () => {
  await expect(read([Buffer.from('{"a":1}\n<html>\n')])).rejects.toThrow(SyntaxError)
  const endless = Array.from({ length: 20 }, () => Buffer.alloc(65_536, 0x20))
  await expect(read(endless)).rejects.toThrow('the Docker Engine sent a line without end')
})
