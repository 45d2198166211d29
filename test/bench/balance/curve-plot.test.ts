import { expect, test } from 'vitest'
import { curvePlot } from './curve-plot.ts'

test('curvePlot() draws one line per proxy and names it, also when requests failed', () => {
  const latenciesMs = Array.from({ length: 5_000 }, (_, at) => 10 + at / 50)
  const outcomes = [
    { proxy: 'ours', latenciesMs },
    { proxy: 'a < b', latenciesMs: [...latenciesMs, -1, -1, -1, -1, -1, -1] },
  ]
  const plot = curvePlot(outcomes, { title: 'one & all', objectiveMs: 100 })
  expect(plot.match(/<polyline /g)).toHaveLength(2)
  expect(plot).toContain('>a &lt; b</text>')
  expect(plot).toContain('one &amp; all')
  expect(plot).not.toMatch(/NaN|Infinity/)
})
