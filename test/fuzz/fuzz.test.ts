import { expect, test } from 'vitest'
import { chunkedBodies } from './chunks.ts'
import { requestHeads, responseHeads } from './heads.ts'
import { run, type Subject } from './outcome.ts'
import { Random } from './random.ts'

test.each([
  [requestHeads(), 200_000],
  [responseHeads(), 50_000],
  [chunkedBodies(), 50_000],
] as const)('$name that this proxy accepts mean the same to node', (subject: Subject, count) => {
  const { tried, accepted, disagreements } = run(subject, count, new Random(1))
  expect(disagreements).toEqual([])
  expect(tried).toBe(count)
  expect(accepted).toBeGreaterThan(count / 10)
})

test('run() tells what is read otherwise, and stops when that is enough', () => {
  const subject: Subject = {
    name: 'numbers',
    generate: (random) => Buffer.from([random.below(4)]),
    judge: ([byte]) => (byte === 0 ? undefined : byte === 1 ? 'one' : ''),
  }
  const { tried, accepted, disagreements } = run(subject, 1_000, new Random(7))
  expect(disagreements).toHaveLength(20)
  expect(disagreements[0]).toBe('one: "\\u0001"')
  expect(accepted).toBeLessThan(tried)
  expect(tried).toBeLessThan(1_000)
})

test('Random draws the same for the same seed, and something else for another', () => {
  const draw = (seed: number): number[] => {
    const random = new Random(seed)
    return Array.from({ length: 20 }, () => random.between(3, 1_000))
  }
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
  expect(Math.min(...draw(3))).toBeGreaterThanOrEqual(3)
})
