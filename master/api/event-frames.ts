import type { Entry } from '../../shared/change.ts'
import type { EventSource } from '../surface.ts'
import { entryView } from './views/entry-view.ts'

/** How long a client waits before it comes back with the last id it saw. */
const RECONNECT_MS = 1_000

export const BEAT = ':\n\n'

/** Server-sent events of everything after a revision, until the signal aborts. */
export async function* eventFrames(
  events: EventSource,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<string> {
  yield `retry: ${RECONNECT_MS}\n\n`
  for await (const batch of events.watch(after, signal)) {
    if (batch.length > 0) yield batch.map(frameOf).join('')
  }
}

function frameOf(entry: Entry): string {
  const data = JSON.stringify(entryView(entry))
  return `id: ${entry.revision}\nevent: ${entry.change.kind}\ndata: ${data}\n\n`
}
