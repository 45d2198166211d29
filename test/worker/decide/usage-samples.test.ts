import { expect, test } from 'vitest'
import { usageBetween } from '../../../worker/decide/usage-samples.ts'

const before = { atMs: 1_000, cpuMs: 500, memoryBytes: 1 }

const cases = [
  { cpuMs: 500, atMs: 2_000, percent: 0 },
  { cpuMs: 1_000, atMs: 2_000, percent: 50 },
  { cpuMs: 2_500, atMs: 2_000, percent: 200 },
  { cpuMs: 550, atMs: 1_100, percent: 50 },
  // Started anew in between.
  { cpuMs: 10, atMs: 2_000, percent: 0 },
] as const

test.each(cases)('usageBetween() is $percent % with $cpuMs ms at $atMs', (row) => {
  const now = { ...row, memoryBytes: 3 * 1_048_576, networkInBytes: 7, diskWriteBytes: 9 }
  const { percent: _percent, ...sample } = now
  expect(usageBetween(before, sample)).toEqual({
    ...{ cpuPercent: row.percent, memoryMb: 3, networkInBytes: 7, diskWriteBytes: 9 },
  })
})

test('usageBetween() says nothing of two moments that are too close', () => {
  for (const atMs of [1_099, 1_000, 0]) {
    expect(usageBetween(before, { ...before, atMs })).toBeUndefined()
  }
})
