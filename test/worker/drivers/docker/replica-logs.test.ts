import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { LogLine } from '../../../../shared/stream-protocol.ts'
import { unframed } from '../../../../worker/drivers/docker/frames.ts'
import { LINE_BYTES_MAX, linesOf } from '../../../../worker/drivers/docker/replica-logs.ts'

const TIME = '2026-01-02T03:04:05.678901234Z'
const AT_MS = Date.parse(TIME)

function frame(stream: 1 | 2, text: string): Buffer {
  const body = Buffer.from(`${TIME} ${text}`)
  const head = Buffer.alloc(8)
  head.writeUInt8(stream, 0)
  head.writeUInt32BE(body.length, 4)
  return Buffer.concat([head, body])
}

async function* cutAt(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function read(bytes: Buffer, size: number): Promise<LogLine[]> {
  const lines: LogLine[] = []
  for await (const { stamp, ...line } of linesOf(unframed(cutAt(bytes, size)))) {
    expect(stamp).toBe(TIME)
    lines.push(line)
  }
  return lines
}

test('linesOf() reads the same lines wherever the bytes are cut', async () => {
  const line = fc.record({
    stream: fc.constantFrom('stdout' as const, 'stderr' as const),
    text: fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, '')),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.integer({ min: 1, max: 50 }), async (lines, size) => {
      const frames = lines.map((one) => frame(one.stream === 'stdout' ? 1 : 2, `${one.text}\n`))
      const seen = await read(Buffer.concat(frames), size)
      expect(seen).toEqual(lines.map((one) => ({ ...one, atMs: AT_MS })))
    }),
  )
})

test('linesOf() joins the parts of a line, also between those of the other stream', async () => {
  const frames = [frame(1, 'one '), frame(2, 'mean'), frame(1, 'whole\n'), frame(2, 'while\n')]
  expect(await read(Buffer.concat(frames), 7)).toEqual([
    { stream: 'stdout', atMs: AT_MS, text: 'one whole' },
    { stream: 'stderr', atMs: AT_MS, text: 'meanwhile' },
  ])
})

test('linesOf() tells a long line in parts of the same bytes', async () => {
  const text = 'x'.repeat(LINE_BYTES_MAX + 5)
  const seen = await read(frame(1, `${text}\n`), 1_000)
  expect(seen.map((line) => line.text.length)).toEqual([LINE_BYTES_MAX, 5])
})

test('linesOf() tells what follows the last end of a line', async () => {
  expect((await read(frame(1, 'rest'), 3)).map(({ text }) => text)).toEqual(['rest'])
})

test('unframed() refuses what is not framed', async () => {
  await expect(read(Buffer.from('plain text of a terminal'), 9)).rejects.toThrow(/from a terminal/)
})
