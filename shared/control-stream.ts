/** A stream of events from one master, until it ends, is cut, falls silent or is aborted. */
import { type CallDeadline, startDeadline } from './call-deadline.ts'
import { refusalOf } from './control-answer.ts'
import { linesOf, parseEventStream, type ServerSentEvent } from './event-stream.ts'
import type { Failover } from './failover.ts'
import type { ChannelRequest, MasterChannel } from './master-channel.ts'
import { MasterUnreachable } from './master-unreachable.ts'
import { isNetworkFailure, reasonOf } from './network-failure.ts'

export interface Listening {
  readonly path: string
  readonly accept?: string | undefined
  readonly lastEventId?: string | undefined
  readonly signal: AbortSignal
  /** Until the stream begins. */
  readonly deadlineMs: number
}

const LIMITS = { lineCharactersMax: 1024 * 1024, eventCharactersMax: 4 * 1024 * 1024 } as const
/** Three of the master's signs of life on a quiet stream. */
const SILENCE_MS_MAX = 45_000
/** So long whoever reads may pause: a reader of a page, say. */
const PAUSE_MS_MAX = 600_000
const REFUSAL_BYTES_MAX = 1024 * 1024

export function listen(
  failover: Failover<MasterChannel>,
  listening: Listening,
): AsyncGenerator<ServerSentEvent> {
  return receive(failover, listening, (chunks) => parseEventStream(chunks, LIMITS))
}

/** Lines of JSON, without the empty ones, which are but signs of life. */
export async function* readLines(
  failover: Failover<MasterChannel>,
  listening: Listening,
): AsyncGenerator<string> {
  const asked = { ...listening, accept: 'application/x-ndjson' }
  const lines = receive(failover, asked, (chunks) => linesOf(chunks, LIMITS.lineCharactersMax))
  for await (const line of lines) if (line !== '') yield line
}

async function* receive<T>(
  failover: Failover<MasterChannel>,
  listening: Listening,
  parse: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<T>,
): AsyncGenerator<T> {
  listening.signal.throwIfAborted()
  const deadline = startDeadline(listening.deadlineMs, listening.signal)
  try {
    const request = requestOf(listening, deadline)
    const chunks = await failover.run({ idempotent: true, deadline }, (channel) =>
      open(channel, request),
    )
    yield* parse(watched(chunks, deadline))
  } catch (error) {
    listening.signal.throwIfAborted()
    if (error instanceof MasterUnreachable && !deadline.isOver()) throw error
    if (!isNetworkFailure(error) && !deadline.isOver()) throw error
    const reason = deadline.isOver() ? 'the master is silent' : reasonOf(error)
    throw new MasterUnreachable(`Cannot read ${listening.path}: ${reason}`, { cause: error })
  } finally {
    deadline.stop()
  }
}

async function open(
  channel: MasterChannel,
  request: ChannelRequest,
): Promise<AsyncIterable<Uint8Array>> {
  const response = await channel.send(request)
  if (!response.ok) throw refusalOf(`GET ${request.path}`, response.status, await response.text())
  return chunksOf(response.body)
}

async function* chunksOf(body: NodeJS.ReadableStream | null): AsyncGenerator<Uint8Array> {
  for await (const chunk of body ?? []) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
}

/** Every chunk is a sign of life. */
async function* watched(
  chunks: AsyncIterable<Uint8Array>,
  deadline: CallDeadline,
): AsyncGenerator<Uint8Array> {
  deadline.restart(SILENCE_MS_MAX)
  for await (const chunk of chunks) {
    deadline.restart(PAUSE_MS_MAX)
    yield chunk
    deadline.restart(SILENCE_MS_MAX)
  }
}

function requestOf(listening: Listening, deadline: CallDeadline): ChannelRequest {
  const { lastEventId } = listening
  return {
    method: 'GET',
    path: listening.path,
    headers: {
      accept: listening.accept ?? 'text/event-stream',
      ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    },
    body: undefined,
    signal: deadline.signal,
    // Applies to a refusal only: of a stream, each line and event is bounded.
    answerBytesMax: REFUSAL_BYTES_MAX,
  }
}
