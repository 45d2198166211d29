import { type Clock, repeat } from '../shared/clock.ts'
import type { ControlClient } from '../shared/control-client.ts'
import { sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import { streamsOver } from '../shared/stream-connection.ts'
import type { StreamSocket } from '../shared/stream-socket.ts'
import { Backoff } from './backoff.ts'
import type { StreamServer } from './stream-server.ts'

export interface StreamLinkParts {
  readonly client: Pick<ControlClient, 'connect'>
  /** Who this node is now; undefined before it has joined. */
  readonly node: () => string | undefined
  readonly serve: StreamServer
  readonly clock: Clock
  readonly log: Log
}

export interface StreamLink {
  /** Keeps the connection until the signal aborts. */
  run(signal: AbortSignal): Promise<void>
}

const RETRY_MIN_MS = 100
const RETRY_MAX_MS = 5_000
const CONNECT_MS_MAX = 5_000
/** How soon another membership is noticed. */
const LOOK_EVERY_MS = 250

/** The worker's one connection for streams: it calls the master, which then asks over it. */
export function openStreamLink(parts: StreamLinkParts): StreamLink {
  return { run: (signal) => keep(parts, signal) }
}

async function keep(parts: StreamLinkParts, signal: AbortSignal): Promise<void> {
  const { client, node: nodeNow, clock, log } = parts
  const backoff = new Backoff(clock, RETRY_MIN_MS, RETRY_MAX_MS)
  let isTold = false
  while (!signal.aborted) {
    const node = nodeNow()
    if (node === undefined) {
      await clock.sleep(RETRY_MIN_MS, signal)
      continue
    }
    try {
      const path = `/v1/nodes/${encodeURIComponent(node)}/streams`
      const socket = await client.connect(path, { signal, deadlineMs: CONNECT_MS_MAX })
      if (isTold) log.info('streams are open again', {})
      isTold = false
      backoff.reset()
      await serveOver(socket, node, parts, signal)
    } catch (error) {
      // Output and commands are for people who look: replicas go on without them.
      if (!isTold && !signal.aborted) {
        log.warn('streams cannot be opened', { reason: sentenceOf(error) })
        isTold = true
      }
    }
    await backoff.pause(signal)
  }
}

async function serveOver(
  socket: StreamSocket,
  node: string,
  { serve, node: nodeNow, clock }: StreamLinkParts,
  signal: AbortSignal,
): Promise<void> {
  streamsOver(socket, {
    onOpen: (request, stream) => void serve(request, stream),
    lost: (reason) => `Cannot go on: the master is gone: ${reason}`,
  })
  const over = new AbortController()
  const leave = (): void => socket.close('the worker ends')
  signal.addEventListener('abort', leave, { once: true })
  if (signal.aborted) leave()
  const look = (): void => {
    if (nodeNow() !== node) socket.close('the worker is another node now')
  }
  const looking = repeat(look, LOOK_EVERY_MS, clock, over.signal)
  await socket.closed
  signal.removeEventListener('abort', leave)
  over.abort()
  await looking
}
