import { after } from './clock.ts'

/** A signal for one call: aborts when its time is up or with its parent, and lets go of both. */
export interface CallDeadline {
  readonly signal: AbortSignal
  /** Whether it was the time, not the caller. */
  isOver(): boolean
  /** Begins the time anew. */
  restart(ms: number): void
  /** Lets go; what is under way may finish. */
  end(): void
  /** Lets go, and aborts what is still under way. */
  stop(): void
}

// Not AbortSignal.any: each call would leave a trace on a parent that lives as long as the program.
export function startDeadline(ms: number, parent?: AbortSignal): CallDeadline {
  const controller = new AbortController()
  let over = false
  const expire = (): void => {
    over = !controller.signal.aborted
    controller.abort()
  }
  const follow = (): void => controller.abort(parent?.reason)
  let cancel = after(ms, expire)
  if (parent?.aborted === true) follow()
  parent?.addEventListener('abort', follow, { once: true })
  const end = (): void => {
    cancel()
    parent?.removeEventListener('abort', follow)
  }
  return {
    signal: controller.signal,
    isOver: () => over,
    restart: (nextMs) => {
      cancel()
      cancel = after(nextMs, expire)
    },
    end,
    stop: () => {
      end()
      controller.abort()
    },
  }
}
