import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import { safeTrailers } from '../decide/headers.ts'

/** Who is told how the passing on of an answer ended. */
export interface Relaying {
  complete(): void
  /** The replica did not finish: the client must not take it for the whole. */
  cut(): void
}

/** Writing it sends the head; what is meant for that would write it in another character set. */
const NOTHING = Buffer.alloc(0)

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
  // While nothing moves on either side, it is the one that the other waits for.
  response.setTimeout(idleMs, () => {
    if (response.writableNeedDrain) response.destroy()
    else response.socket?.setTimeout(idleMs)
  })
  asked.setTimeout(idleMs, () => {
    if (!response.writableNeedDrain) asked.destroy(new Error('the answer stalled'))
  })
  // The package waits for a body: an event stream may have none for long.
  process.nextTick(() => {
    if (answer.readableLength === 0 && !response.headersSent) response.write(NOTHING)
  })
}
