import type { Entry } from '../../shared/change.ts'
import type { WaitingRoom } from '../waiting-room.ts'
import { type Store, WATCH_ENTRIES_MAX } from './store.ts'

/** Follows a log whose appends ring the bell, from a revision until the signal aborts. */
export async function* follow(
  log: Pick<Store, 'readFrom'>,
  bell: WaitingRoom,
  revision: number,
  signal: AbortSignal,
): AsyncGenerator<readonly Entry[], void, undefined> {
  const ended = (): boolean => signal.aborted || bell.closed
  let seen = revision
  while (!ended()) {
    const { rings } = bell
    const entries = await log.readFrom(seen, WATCH_ENTRIES_MAX).catch((error: unknown) => {
      if (ended()) return []
      throw error
    })
    const last = entries.at(-1)
    if (last === undefined) {
      await bell.rungSince(rings, signal)
    } else if (!ended()) {
      seen = last.revision
      yield entries
    }
  }
}
