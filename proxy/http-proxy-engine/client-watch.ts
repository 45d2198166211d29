import type { ServerResponse } from 'node:http'
import { after } from '../../shared/clock.ts'
import { SLOW_AFTER_MS } from '../http1/client-patience.ts'

/** Whoever held up its request at one look, and still does at the next one, takes long. */
const LOOK_MS = SLOW_AFTER_MS / 2

/** Tells once when a client takes long to send or to read; the answer ends the watch. */
export function watchClient(
  response: ServerResponse,
  isAwaited: () => boolean,
  isSlow: () => void,
): () => void {
  let wasAwaited = false
  let writtenBefore = -1
  let cancel: () => void = () => undefined
  const look = (): void => {
    const awaited = isAwaited()
    const { bytesWritten = 0 } = response.socket ?? {}
    const doesNotRead = response.writableNeedDrain && bytesWritten === writtenBefore
    if (doesNotRead || (awaited && wasAwaited)) {
      isSlow()
      return
    }
    wasAwaited = awaited
    writtenBefore = bytesWritten
    cancel = after(LOOK_MS, look)
  }
  cancel = after(LOOK_MS, look)
  return () => cancel()
}
