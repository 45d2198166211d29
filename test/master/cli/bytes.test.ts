import { expect, test } from 'vitest'
import { bytesText } from '../../../master/cli/bytes.ts'

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1_000, '1 kB'],
  [1_250, '1.3 kB'],
  [150_400, '150 kB'],
  [3_200_000, '3.2 MB'],
  [7e9, '7 GB'],
  [1.5e15, '1.5 PB'],
  [2e18, '2000 PB'],
])('bytesText() shows %d as %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})
