import { expect, test } from 'vitest'
import { HedgeGain } from '../../../proxy/decide/hedge-gain.ts'

/** How many of a thousand are asked when a second answer comes first in such a share of them. */
function asked(gain: HedgeGain, share: number): number {
  let count = 0
  for (let round = 0; round < 1_000; round += 1) {
    if (!gain.isWorthIt()) continue
    count += 1
    gain.learn((count * share) % 1 < share)
  }
  return count
}

test('isWorthIt() says yes while second answers come first now and then', () => {
  expect(asked(new HedgeGain(), 0.2)).toBe(1_000)
})

test('isWorthIt() says no but for a few once they never do, and yes again once they do', () => {
  const gain = new HedgeGain()
  asked(gain, 0)
  expect(asked(gain, 0)).toBeLessThan(80)
  asked(gain, 0.5)
  expect(asked(gain, 0.5)).toBe(1_000)
})
