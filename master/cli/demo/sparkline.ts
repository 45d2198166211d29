const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const
const NOTHING = ' '

/** One bar per value, the highest for `top` and everything above it. */
export function sparkline(values: readonly (number | undefined)[], top: number): string {
  return values
    .map((value) => {
      if (value === undefined) return NOTHING
      const at = Math.floor((value / top) * BARS.length)
      return BARS[Math.min(BARS.length - 1, Math.max(0, at))] ?? NOTHING
    })
    .join('')
}
