/** The only file that reads a clock or sets a timer. */
import { performance } from 'node:perf_hooks'

export interface Clock {
  /** Milliseconds since 1970 that never jump: the wall clock at the start plus steady time since. */
  nowMs(): number
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** A timer beyond this would fire at once: whoever waits longer waits in turns. */
const TIMER_MAX_MS = 2 ** 31 - 1

const startedAtMs = performance.timeOrigin

export const systemClock: Clock = {
  nowMs: () => startedAtMs + performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve()
      const done = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', done)
        resolve()
      }
      const timer = setTimeout(done, Math.min(ms, TIMER_MAX_MS))
      signal?.addEventListener('abort', done, { once: true })
    }),
}

/** Runs the task again and again, a period apart, never twice at once, until the signal aborts. */
export async function repeat(
  task: () => Promise<void> | void,
  periodMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const startedMs = clock.nowMs()
    await task()
    const leftMs = periodMs - (clock.nowMs() - startedMs)
    await clock.sleep(Math.max(0, leftMs), signal)
  }
}

/** A signal that aborts after `ms`. */
export function deadline(ms: number): AbortSignal {
  return AbortSignal.timeout(ms)
}

/** Calls back once after `ms`; the answer cancels it. Never keeps the process alive. */
export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, Math.min(ms, TIMER_MAX_MS))
  timer.unref()
  return () => clearTimeout(timer)
}
