import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseEventStream, type ServerSentEvent } from '../../shared/event-stream.ts'

const LIMITS = { lineCharactersMax: 100, eventCharactersMax: 250 }

async function* chunksOf(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* chunks
}

async function parse(chunks: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = []
  for await (const event of parseEventStream(chunksOf(chunks), LIMITS)) events.push(event)
  return events
}

const parseText = (text: string): Promise<ServerSentEvent[]> => parse([Buffer.from(text)])

test.each([
  { what: 'nothing', text: '', events: [] },
  { what: 'a comment', text: ':x\n\n', events: [] },
  { what: 'a name without data', text: 'event: a\n\n', events: [] },
  { what: 'an empty text', text: 'data\n\n', events: [{ event: 'message', data: '' }] },
  { what: 'a name', text: 'event:a\ndata:b\n\n', events: [{ event: 'a', data: 'b' }] },
  { what: 'two blanks', text: 'data:  b\n\n', events: [{ event: 'message', data: ' b' }] },
  {
    what: 'a byte order mark',
    text: '\ufeffdata:b\n\n',
    events: [{ event: 'message', data: 'b' }],
  },
  { what: 'an unknown field', text: 'x:y\ndata:b\n\n', events: [{ event: 'message', data: 'b' }] },
  { what: 'an unfinished event', text: 'data:b\n', events: [] },
  { what: 'an id with NUL', text: 'id:a\0\ndata:b\n\n', events: [{ event: 'message', data: 'b' }] },
])('parseEventStream() reads $what', async ({ text, events }) => {
  expect(await parseText(text)).toEqual(events)
})

test('parseEventStream() reads the same whatever ends the lines and wherever it is split', async () => {
  const text = 'id: 1\nevent: a\ndata: ünï\ndata: 😀\n\n:c\n\ndata: b\n\n\ndata: c\n\n'
  const expected = await parseText(text)
  expect(expected).toHaveLength(3)
  const ends = fc.constantFrom('\n', '\r', '\r\n')
  await fc.assert(
    fc.asyncProperty(ends, fc.array(fc.nat(90), { maxLength: 12 }), async (end, cuts) => {
      const bytes = Buffer.from(text.replaceAll('\n', end))
      const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
      const chunks = at.slice(1).map((to, index) => bytes.subarray(at[index] ?? 0, to))
      expect(await parse(chunks)).toEqual(expected)
    }),
  )
})

test('parseEventStream() refuses a line or an event beyond its limit', async () => {
  await expect(parseText('x'.repeat(101))).rejects.toThrow('a line is longer than its limit')
  const halves = [Buffer.alloc(60, 'x'), Buffer.alloc(60, 'x')]
  await expect(parse(halves)).rejects.toThrow('a line is longer than its limit')
  const event = `data:${'x'.repeat(90)}\n`.repeat(3)
  await expect(parseText(event)).rejects.toThrow('an event is longer than its limit')
})
