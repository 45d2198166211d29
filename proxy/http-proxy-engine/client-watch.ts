import type { ServerResponse } from 'node:http'
import { after } from '../../shared/clock.ts'
import { SLOW_AFTER_MS } from '../http1/client-patience.ts'

/** Tells once when a client takes long to send or to read; the answer ends the watch. */
export function watchClient(
  response: ServerResponse,
  isAwaited: () => boolean,
  isSlow: () => void,
): () => void {
  let written = -1
  let cancel: () => void = () => undefined
  const look = (): void => {
    const { bytesWritten = 0 } = response.socket ?? {}
    const isStuck = response.writableNeedDrain && bytesWritten === written
    written = bytesWritten
    if (isStuck || isAwaited()) isSlow()
    else cancel = after(SLOW_AFTER_MS, look)
  }
  cancel = after(SLOW_AFTER_MS, look)
  return () => cancel()
}
