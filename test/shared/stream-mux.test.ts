import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RequestError } from '../../shared/errors.ts'
import { DATA_BYTES_MAX, encodeFrame, type StreamEnd } from '../../shared/stream-frames.ts'
import type { Answering, Stream } from '../../shared/stream-mux.ts'
import { WINDOW_BYTES } from '../../shared/stream-outbox.ts'
import { until } from '../support/until.ts'
import { turn, Wire } from './stream-wire.ts'

async function readAll(stream: Stream): Promise<string> {
  let text = ''
  for await (const { channel, bytes } of stream.chunks) {
    text += `${channel[3]}:${Buffer.from(bytes)} `
  }
  return text.trim()
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

interface Step {
  readonly kind: 'write' | 'read' | 'deliver-worker' | 'deliver-master'
  readonly stream: number
  readonly size: number
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('write', 'write', 'read', 'deliver-worker', 'deliver-master'),
  stream: fc.nat({ max: 2 }),
  size: fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 2 * WINDOW_BYTES })),
})

/** A byte that tells its place, so that anything out of order shows. */
function pattern(from: number, size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, at) => (from + at) % 251)
}

class Flow {
  readonly #stream: Answering
  readonly #reader: AsyncIterator<{ bytes: Uint8Array }>
  written = 0
  read = 0
  wrong = 0
  #reading: Promise<void> | undefined

  constructor({ near, far }: { near: Stream; far: Answering }) {
    this.#stream = far
    this.#reader = near.chunks[Symbol.asyncIterator]()
  }

  write(size: number): void {
    this.#stream.write('stdout', pattern(this.written, size)).catch(() => undefined)
    this.written += size
  }

  readOne(): Promise<void> {
    this.#reading ??= this.#reader.next().then(({ value }) => {
      this.#reading = undefined
      const chunk: Uint8Array = value?.bytes ?? new Uint8Array()
      for (const byte of chunk) {
        if (byte !== this.read % 251) this.wrong += 1
        this.read += 1
      }
    })
    return this.#reading
  }
}

describe('StreamMux', () => {
  test('delivers every byte in order, whatever happens when, and holds no more than the window', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const wire = new Wire()
        const flows: Flow[] = []
        for (let at = 0; at < 3; at += 1) flows.push(new Flow(await wire.open()))
        for (const { kind, stream, size } of steps) {
          if (kind === 'write') flows[stream]?.write(size)
          else if (kind === 'read') void flows[stream]?.readOne()
          else wire.deliver(kind === 'deliver-worker' ? 'worker' : 'master')
          await turn()
          expect(wire.master.waitingBytes).toBeLessThanOrEqual(3 * WINDOW_BYTES)
          for (const message of wire.toMaster) {
            expect(message.length).toBeLessThanOrEqual(DATA_BYTES_MAX + 6)
          }
        }
        for (const flow of flows) {
          while (flow.read < flow.written) {
            await wire.settle()
            // A read that was under way may have had the last of it.
            if (flow.read < flow.written) await flow.readOne()
          }
          expect([flow.read, flow.wrong]).toEqual([flow.written, 0])
        }
        expect(wire.closed).toEqual([])
      }),
      { numRuns: 30 },
    )
  })

  test('a reader that stops never stops the others, and holds no more than its window', async () => {
    const wire = new Wire()
    const slow = await wire.open()
    const quick = await wire.open()
    const written = slow.far.write('stdout', new Uint8Array(4 * WINDOW_BYTES)).then(
      () => 'through',
      (error: RequestError) => error.code,
    )
    await wire.settle()
    const reading = readAll(quick.near)
    for (let at = 0; at < 100; at += 1) {
      await quick.far.write('stdout', bytes('x'.repeat(9_999)))
      await wire.settle()
    }
    quick.far.end({ kind: 'done' })
    await wire.settle()
    expect((await reading).replaceAll(/[^x]/g, '')).toHaveLength(999_900)
    expect(wire.master.waitingBytes).toBe(WINDOW_BYTES)
    slow.near.cancel()
    await wire.settle()
    expect(await written).toBe('CANCELLED')
    expect([wire.worker.streams, wire.master.streams]).toEqual([0, 0])
  })

  test('carries a command both ways: input, its end, outputs apart, the exit code', async () => {
    const wire = new Wire()
    const { near, far } = await wire.open({ kind: 'exec' })
    expect(wire.opened[0]?.request).toEqual({ kind: 'exec' })
    await near.write('input', bytes('question'))
    near.endInput()
    await wire.settle()
    expect(await readAll(far)).toBe('u:question')
    await far.write('stdout', bytes('answer'))
    await far.write('stderr', bytes('doubt'))
    far.end({ kind: 'done', code: 3 })
    await wire.settle()
    expect(await readAll(near)).toBe('o:answer e:doubt')
    expect(await near.outcome).toEqual({ kind: 'done', code: 3 })
    expect([wire.worker.streams, wire.master.streams]).toEqual([0, 0])
  })

  test('ends with the refusal of the other side, after what came before it', async () => {
    const wire = new Wire()
    const { near, far } = await wire.open()
    await far.write('stdout', bytes('half'))
    far.end({ kind: 'failed', status: 409, code: 'GONE', message: 'Cannot go on: it ended' })
    await wire.settle()
    const seen: string[] = []
    const reading = (async () => {
      for await (const chunk of near.chunks) seen.push(Buffer.from(chunk.bytes).toString())
    })()
    await expect(reading).rejects.toMatchObject({ status: 409, code: 'GONE' })
    expect(seen).toEqual(['half'])
  })

  test('tells the other side when nobody wants the stream any more', async () => {
    const wire = new Wire()
    const { near, far } = await wire.open()
    near.cancel()
    expect(await readAll(near)).toBe('')
    await expect(far.write('stdout', bytes('on its way'))).resolves.toBeUndefined()
    await wire.settle()
    expect(far.signal.aborted).toBe(true)
    await expect(far.write('stdout', bytes('late'))).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(wire.closed).toEqual([])
  })

  test('ends every stream with the same sentence when the connection is lost', async () => {
    const wire = new Wire()
    const streams = [await wire.open(), await wire.open()]
    const end = { status: 503, code: 'LOST', message: 'Cannot go on: w1 is gone' } as const
    wire.master.lose({ kind: 'failed', ...end })
    for (const { near } of streams) {
      await expect(readAll(near)).rejects.toMatchObject(end)
      await expect(near.write('input', bytes('x'))).rejects.toMatchObject(end)
      const outcome: StreamEnd = await near.outcome
      expect(outcome).toMatchObject(end)
    }
    expect(() => wire.master.open({})).toThrow(end.message)
  })

  test('opens no more than so many at once, on either side', async () => {
    const wire = new Wire(2)
    const first = await wire.open()
    await wire.open()
    expect(() => wire.master.open({})).toThrow('2 are open')
    first.near.cancel()
    await wire.open()
    expect(wire.worker.streams).toBe(2)
    wire.worker.receive(encodeFrame({ kind: 'open', id: 99, request: {} }))
    const refusal = Buffer.from(wire.toMaster.at(-1) ?? []).toString()
    expect(refusal).toContain('TOO_MANY_STREAMS')
  })

  test('refuses to open with more than one frame can say', () => {
    expect(() => new Wire().master.open({ command: ['x'.repeat(200_000)] })).toThrow(
      'Cannot open the stream',
    )
  })
})

describe('StreamMux closes the connection on', () => {
  const breaks: readonly (readonly [string, (wire: Wire) => void])[] = [
    ['bytes that are no frame', ({ master }) => master.receive(Uint8Array.of(99))],
    [
      'a stream that was never opened',
      ({ master }) => master.receive(encodeFrame({ kind: 'accept', id: 7 })),
    ],
    [
      'a stream opened from the wrong side',
      ({ master }) => master.receive(encodeFrame({ kind: 'open', id: 9, request: {} })),
    ],
    [
      'a stream opened twice',
      ({ worker }) => worker.receive(encodeFrame({ kind: 'open', id: 1, request: {} })),
    ],
    [
      'more than the window',
      ({ master }) => {
        const data = new Uint8Array(100_000)
        const frame = { kind: 'data', id: 1, channel: 'stdout', bytes: data } as const
        for (let at = 0; at < 3; at += 1) master.receive(encodeFrame(frame))
      },
    ],
    [
      'a credit for what was never sent',
      ({ master }) => master.receive(encodeFrame({ kind: 'credit', id: 1, bytes: 1 })),
    ],
  ]
  test.each(breaks)('%s', async (_, act) => {
    const wire = new Wire()
    const { near, far } = await wire.open()
    act(wire)
    expect(wire.closed).toHaveLength(1)
    const over = await until(async () => Promise.race([near.outcome, far.outcome]))
    expect(over).toMatchObject({ kind: 'failed', code: 'MALFORMED_FRAME' })
  })
})
