/** A WebSocket to whichever master takes it. */
import { startDeadline } from './call-deadline.ts'
import type { Failover } from './failover.ts'
import type { MasterChannel } from './master-channel.ts'
import { MasterUnreachable } from './master-unreachable.ts'
import type { StreamSocket } from './stream-socket.ts'

export interface Connecting {
  readonly path: string
  /** Until it is open. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

export async function connect(
  failover: Failover<MasterChannel>,
  { path, deadlineMs, signal }: Connecting,
): Promise<StreamSocket> {
  signal?.throwIfAborted()
  const deadline = startDeadline(deadlineMs, signal)
  try {
    return await failover.run({ idempotent: true, deadline }, (channel) =>
      channel.connect(path, deadline.signal),
    )
  } catch (error) {
    signal?.throwIfAborted()
    if (!deadline.isOver()) throw error
    const message = `Cannot reach the master at ${failover.asked()?.origin}: no answer within ${deadlineMs} ms`
    throw new MasterUnreachable(message, { cause: error })
  } finally {
    deadline.end()
  }
}
