import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { safeTrailers } from '../decide/headers.ts'

/** Who is told how the passing on of an answer ended. */
export interface Relaying {
  complete(): void
  /** The replica did not finish: the client must not take it for the whole. */
  cut(): void
}

/** Watches over an answer that the package passes on: on its own it would let both sides hang. */
export function watchRelay(
  { asked, answer }: { readonly asked: ClientRequest; readonly answer: IncomingMessage },
  response: ServerResponse,
  idleMs: number,
  relaying: Relaying,
): void {
  const cut = (): void => {
    if (!answer.complete) relaying.cut()
  }
  answer.on('error', cut)
  answer.on('close', cut)
  answer.on('end', () => {
    if (response.chunkedEncoding) response.addTrailers(safeTrailers(answer.rawTrailers))
  })
  response.on('finish', () => relaying.complete())
  response.socket?.setTimeout(idleMs)
  asked.setTimeout(idleMs, () => {
    // A slow reader is watched on its own connection.
    if (!response.writableNeedDrain) asked.destroy(new Error('the answer stalled'))
  })
  // The package waits for a body: an event stream may have none for long.
  process.nextTick(() => {
    if (answer.readableLength === 0 && !response.headersSent) response.flushHeaders()
  })
}
