import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeFrame,
  encodeFrame,
  FRAME_BYTES_MAX,
  type Frame,
  STREAM_ID_MAX,
} from '../../shared/stream-frames.ts'

const id = fc.integer({ min: 1, max: STREAM_ID_MAX })
const channel = fc.constantFrom('input', 'stdout', 'stderr', 'resize')
const end = fc.oneof(
  fc.constant({ kind: 'done' }),
  fc.record({ kind: fc.constant('done'), code: fc.integer({ min: 0, max: 255 }) }),
  fc.record({
    kind: fc.constant('failed'),
    status: fc.integer({ min: 400, max: 599 }),
    code: fc.string(),
    message: fc.string({ unit: 'grapheme' }),
  }),
)
const frames: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({ kind: fc.constantFrom('accept', 'eof', 'cancel'), id }),
  fc.record({ kind: fc.constant('open'), id, request: fc.dictionary(fc.string(), fc.string()) }),
  fc.record({ kind: fc.constant('data'), id, channel, bytes: fc.uint8Array({ minLength: 1 }) }),
  fc.record({ kind: fc.constant('credit'), id, bytes: fc.integer({ min: 1, max: 2 ** 31 }) }),
  fc.record({ kind: fc.constant('end'), id, end }),
)

test('decodeFrame() gives back every frame that encodeFrame() wrote', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const decoded = decodeFrame(encodeFrame(frame as Frame))
      expect(decoded).toEqual({ kind: 'frame', frame })
    }),
  )
})

test('decodeFrame() answers anything at all without throwing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(['frame', 'malformed']).toContain(decodeFrame(bytes).kind)
    }),
  )
})

const text = (value: string): number[] => [...new TextEncoder().encode(value)]
const malformed: readonly (readonly [string, readonly number[], string])[] = [
  ['nothing', [], 'no head'],
  ['half a head', [1, 0, 0, 0], 'no head'],
  ['an unknown kind', [99, 0, 0, 0, 1], 'kind 99 is unknown'],
  ['stream 0', [1, 0, 0, 0, 0], 'no stream'],
  ['an unknown channel', [2, 0, 0, 0, 1, 9, 65], 'channel is unknown'],
  ['data without a byte', [2, 0, 0, 0, 1, 1], 'carries nothing'],
  ['data without a channel', [2, 0, 0, 0, 1], 'channel is unknown'],
  ['a credit of nothing', [3, 0, 0, 0, 1, 0, 0, 0, 0], 'no credit'],
  ['half a credit', [3, 0, 0, 0, 1, 0, 1], 'no credit'],
  ['an accept with more', [1, 0, 0, 0, 1, 1], 'no payload'],
  ['an open that is no JSON', [0, 0, 0, 0, 1, ...text('{')], 'is JSON'],
  ['an open that is no UTF-8', [0, 0, 0, 0, 1, 0x22, 0xff, 0x22], 'is JSON'],
  ['an end that says nothing', [5, 0, 0, 0, 1, ...text('{}')], 'how the stream ended'],
  [
    'a good status as a failure',
    [5, 0, 0, 0, 1, ...text('{"kind":"failed","status":200,"code":"x","message":"y"}')],
    'how the stream ended',
  ],
]

test.each(malformed)('decodeFrame() names what is wrong with %s', (_, bytes, reason) => {
  const decoded = decodeFrame(Uint8Array.from(bytes))
  expect(decoded).toEqual({ kind: 'malformed', reason: expect.stringContaining(reason) })
})

test('decodeFrame() refuses a frame that is too long', () => {
  const decoded = decodeFrame(new Uint8Array(FRAME_BYTES_MAX + 1))
  expect(decoded).toEqual({ kind: 'malformed', reason: 'it is too long' })
})
