/** Whatever the pieces in which bytes come, they say the same. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseRequestHead, RequestHead } from '../../../../proxy/http1/parsing/request-head.ts'
import { parseResponseHead, ResponseHead } from '../../../../proxy/http1/parsing/response-head.ts'
import { chunkedBody } from '../../../fuzz/chunk-generator.ts'
import { requestHead, responseHead } from '../../../fuzz/head-generator.ts'
import { mutated } from '../../../fuzz/mutation.ts'
import { Random } from '../../../fuzz/random.ts'
import { readChunks } from './chunk-reading.ts'
import { LIMITS, summary } from './reading.ts'

const seeds = fc.integer()
const TINY = { headerBytesMax: 120, headersMax: 4 }

test('parseRequestHead() says of every beginning of a head that more is needed, or the same', () => {
  fc.assert(
    fc.property(seeds, fc.constantFrom(LIMITS, TINY), (seed, limits) => {
      const random = new Random(seed)
      const bytes = mutated(requestHead(random), random)
      const whole = new RequestHead()
      const verdict = parseRequestHead(bytes, 0, bytes.length, whole, limits)
      const part = new RequestHead()
      for (let to = 0; to <= bytes.length; to += 1) {
        const said = parseRequestHead(bytes, 0, to, part, limits)
        if (said === 0) continue
        expect(said).toBe(verdict)
        if (said > 0) expect(summary(part)).toEqual(summary(whole))
        return
      }
      expect(verdict).toBe(0)
    }),
    { numRuns: 2_000 },
  )
})

test('parseResponseHead() says of every beginning of a head that more is needed, or the same', () => {
  fc.assert(
    fc.property(seeds, fc.constantFrom(LIMITS, TINY), (seed, limits) => {
      const random = new Random(seed)
      const bytes = mutated(responseHead(random), random)
      const verdict = parseResponseHead(bytes, 0, bytes.length, new ResponseHead(), limits)
      const head = new ResponseHead()
      const said = Array.from({ length: bytes.length + 1 }, (_, to) =>
        parseResponseHead(bytes, 0, to, head, limits),
      )
      expect(said.find((one) => one !== 0) ?? 0).toBe(verdict)
    }),
    { numRuns: 1_000 },
  )
})

test('parseRequestHead() says the same wherever in a buffer a head is', () => {
  fc.assert(
    fc.property(seeds, fc.nat(70), (seed, offset) => {
      const random = new Random(seed)
      const bytes = mutated(requestHead(random), random)
      const moved = Buffer.concat([Buffer.alloc(offset, ' '), bytes, Buffer.from('\r\n\r\n')])
      const one = parseRequestHead(bytes, 0, bytes.length, new RequestHead(), LIMITS)
      const to = offset + bytes.length
      const other = parseRequestHead(moved, offset, to, new RequestHead(), LIMITS)
      expect(other).toBe(one > 0 ? one + offset : one)
    }),
    { numRuns: 1_000 },
  )
})

test('ChunkedBody says the same of a body in any pieces', () => {
  fc.assert(
    fc.property(seeds, fc.array(fc.nat(200), { maxLength: 12 }), (seed, places) => {
      const random = new Random(seed)
      const text = mutated(chunkedBody(random), random).toString('latin1')
      const whole = readChunks(text)
      // Behind the end of a body that waits for more there may be trailers that are broken already.
      const pieces = readChunks(
        text,
        places.filter((place) => place < text.length),
      )
      if (whole.end === 'done' || pieces.end === 'done')
        expect({ ...pieces, clean: whole.clean }).toEqual(whole)
      expect(pieces.data).toBe(whole.data)
      expect(pieces.passedOn).toBe(whole.passedOn)
    }),
    { numRuns: 5_000 },
  )
})
