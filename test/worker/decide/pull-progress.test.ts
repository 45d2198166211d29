import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type PullMessage, PullProgress } from '../../../worker/decide/pull-progress.ts'

/** As an engine has told it. */
const LINES = [
  { status: 'Pulling from team/app', id: '1.2' },
  { status: 'Already exists', id: 'aa' },
  { status: 'Pulling fs layer', id: 'bb' },
  { status: 'Pulling fs layer', id: 'cc' },
  { status: 'Waiting', id: 'cc' },
] satisfies PullMessage[]

function after(...messages: readonly PullMessage[]): PullProgress {
  const progress = new PullProgress('reg:5000/team/app:1.2')
  for (const message of messages) progress.hear(message)
  return progress
}

test('PullProgress.sum names the image alone before any layer is known', () => {
  expect(after().sum).toEqual({ text: 'pulling reg:5000/team/app:1.2' })
  expect(
    after({ status: 'Pulling from team/app', id: '1.2' }, { status: 'Digest: sha256:00' }).sum,
  ).toEqual({ text: 'pulling reg:5000/team/app:1.2' })
  expect(after().amount).toBeUndefined()
})

test('PullProgress.sum counts layers, and tells the total once every size is known', () => {
  const progress = after(...LINES)
  const text = 'pulling reg:5000/team/app:1.2, 1 of 3 layers'
  expect(progress.sum).toEqual({ text, doneBytes: 0 })
  progress.hear({ status: 'Downloading', id: 'bb', doneBytes: 4_000_000, totalBytes: 100_000_000 })
  expect(progress.sum).toEqual({ text, doneBytes: 4_000_000 })
  expect(progress.amount).toBe('4.0 MB so far')
  progress.hear({ status: 'Downloading', id: 'cc', doneBytes: 37_000_000, totalBytes: 50_000_000 })
  expect(progress.sum).toEqual({ text, doneBytes: 41_000_000, totalBytes: 150_000_000 })
  expect(progress.amount).toBe('41 of 150 MB')
})

test('PullProgress.sum takes a layer for whole when it is unpacked, whatever was told before', () => {
  const progress = after(
    ...LINES,
    { status: 'Download complete', id: 'bb' },
    { status: 'Downloading', id: 'cc', doneBytes: 100_000, totalBytes: 2_000_000 },
    { status: 'Verifying Checksum', id: 'cc' },
    { status: 'Extracting', id: 'bb', doneBytes: 32_768, totalBytes: 3_000_000 },
    { status: 'Pull complete', id: 'bb' },
    { status: 'Extracting', id: 'cc', doneBytes: 65_536, totalBytes: 2_000_000 },
    { status: 'Pull complete', id: 'cc' },
  )
  const text = 'pulling reg:5000/team/app:1.2, 3 of 3 layers'
  expect(progress.sum).toEqual({ text, doneBytes: 5_000_000, totalBytes: 5_000_000 })
  expect(progress.amount).toBe('5.0 of 5.0 MB')
})

test('PullProgress.sum lives without sizes, and speaks of one layer in the singular', () => {
  const progress = after(
    { status: 'Pulling fs layer', id: 'aa' },
    { status: 'Downloading', id: 'aa', doneBytes: 12_000_000, totalBytes: -1 },
  )
  const text = 'pulling reg:5000/team/app:1.2, 0 of 1 layer'
  expect(progress.sum).toEqual({ text, doneBytes: 12_000_000 })
  expect(progress.amount).toBe('12 MB so far')
})

test('PullProgress.sum goes back with a download that is tried again', () => {
  const progress = after(
    { status: 'Downloading', id: 'aa', doneBytes: 50, totalBytes: 100 },
    { status: 'Retrying in 5 seconds', id: 'aa' },
    { status: 'Downloading', id: 'aa', doneBytes: 10, totalBytes: 100 },
  )
  expect(progress.sum).toMatchObject({ doneBytes: 10, totalBytes: 100 })
})

test('PullProgress.sum never has more done than there is, and remembers a bounded crowd', () => {
  const status = fc.constantFrom(
    ...['Pulling fs layer', 'Waiting', 'Downloading', 'Verifying Checksum', 'Download complete'],
    ...['Extracting', 'Pull complete', 'Already exists', 'Retrying in 1 second', 'Pulling from a'],
  )
  const bytes = fc.option(fc.integer({ min: -1, max: 1_000 }), { nil: undefined })
  const message = fc.record({
    ...{ status, id: fc.constantFrom('a', 'b', 'c', undefined) },
    ...{ doneBytes: bytes, totalBytes: bytes },
  })
  fc.assert(
    fc.property(fc.array(message, { maxLength: 40 }), (messages) => {
      const { doneBytes = 0, totalBytes = Number.POSITIVE_INFINITY, text } = after(...messages).sum
      expect(doneBytes).toBeLessThanOrEqual(totalBytes)
      const [, done = '0', all = '0'] = /, (\d+) of (\d+) layer/.exec(text) ?? []
      expect(Number(done)).toBeLessThanOrEqual(Number(all))
    }),
  )
  const many = Array.from({ length: 5_000 }, (_, id) => ({ status: 'Waiting', id: `${id}` }))
  expect(after(...many).sum.text).toMatch(/0 of 1000 layers$/)
})
