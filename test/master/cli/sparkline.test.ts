import { expect, test } from 'vitest'
import { sparkline } from '../../../master/cli/demo/sparkline.ts'

test('sparkline() draws one bar per value, the top for everything above it', () => {
  expect(sparkline([0, 25, 50, 100, 199, 200, 5_000], 200)).toBe('▁▂▃▅███')
})

test('sparkline() leaves a gap where nothing was measured', () => {
  expect(sparkline([undefined, 0], 100)).toBe(' ▁')
})
