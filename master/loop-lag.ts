import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 20
const NANOSECONDS_PER_MS = 1e6

/** How late this process runs what is due, in milliseconds: what the overloaded one sheds by. */
export function watchLoopLag(): () => number {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  return () => {
    const lagMs = delays.percentile(50) / NANOSECONDS_PER_MS - RESOLUTION_MS
    // A window that grows for ever would remember yesterday's trouble.
    if (delays.count > 50) delays.reset()
    return Math.max(0, lagMs)
  }
}
