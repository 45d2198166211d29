/** Answers what the master asks over its streams: output, commands, the progress of starts. */
import type { Clock } from '../shared/clock.ts'
import { RequestError, sentenceOf } from '../shared/errors.ts'
import type { Log } from '../shared/log.ts'
import type { StreamEnd } from '../shared/stream-frames.ts'
import type { Answering } from '../shared/stream-mux.ts'
import {
  type StreamRequest,
  streamRequestSchema,
  terminalSizeSchema,
} from '../shared/stream-protocol.ts'
import type { Driver, ExecSession } from './drivers/driver.ts'
import type { StartProgress } from './start-progress.ts'

export interface StreamServerParts {
  readonly driver: Pick<Driver, 'logs' | 'open'>
  readonly progress: Pick<StartProgress, 'follow'>
  readonly clock: Clock
  readonly log: Log
}

/** So long a refusal may take to show. */
const QUIET_MS = 500

export type StreamServer = (request: unknown, stream: Answering) => Promise<void>

/** Never rejects: what goes wrong ends the stream with its sentence. */
export function createStreamServer(parts: StreamServerParts): StreamServer {
  return async (request, stream) => {
    try {
      stream.end(await answer(request, stream, parts))
    } catch (error) {
      if (!stream.signal.aborted) stream.end(failureOf(error, parts.log))
    }
  }
}

function answer(raw: unknown, stream: Answering, parts: StreamServerParts): Promise<StreamEnd> {
  const parsed = streamRequestSchema.safeParse(raw)
  if (!parsed.success) {
    throw new RequestError(
      400,
      'MALFORMED_REQUEST',
      'Cannot open this stream: it is not understood',
    )
  }
  const request = parsed.data
  if (request.kind === 'exec') return runCommand(request, stream, parts)
  if (request.kind === 'logs') {
    const { replica, kind: _, ...asked } = request
    return tellLines(parts.driver.logs(replica, asked, stream.signal), stream, parts)
  }
  return tellLines(parts.progress.follow(request.replica, stream.signal), stream, parts)
}

/** Each value as one line of JSON. What the reader does not take is not asked for. */
async function tellLines(
  values: AsyncIterable<object>,
  stream: Answering,
  { clock }: StreamServerParts,
): Promise<StreamEnd> {
  const encoder = new TextEncoder()
  const iterator = values[Symbol.asyncIterator]()
  try {
    let next = iterator.next()
    await settledOrQuiet(next, clock)
    stream.accept()
    for (let line = await next; line.done !== true; line = await next) {
      await stream.write('stdout', encoder.encode(`${JSON.stringify(line.value)}\n`))
      next = iterator.next()
    }
    return { kind: 'done' }
  } finally {
    // Not waited for: what is under way ends with the signal.
    iterator.return?.().catch(() => undefined)
  }
}

/** Until then a refusal is an answer of its own; after it, the stream begins without a word. */
async function settledOrQuiet(first: Promise<unknown>, clock: Clock): Promise<void> {
  const done = new AbortController()
  await Promise.race([first, clock.sleep(QUIET_MS, done.signal)]).finally(() => done.abort())
}

type ExecRequest = Extract<StreamRequest, { kind: 'exec' }>

async function runCommand(
  { replica, command, terminal }: ExecRequest,
  stream: Answering,
  { driver }: StreamServerParts,
): Promise<StreamEnd> {
  const asked = { command, ...(terminal === undefined ? {} : { terminal }) }
  const session = await driver.open(replica, asked, stream.signal)
  const close = (): void => session.close()
  stream.signal.addEventListener('abort', close, { once: true })
  try {
    stream.accept()
    // Input that cannot be written any more is no failure: the command has read what it wanted.
    feed(session, stream).catch(() => undefined)
    for await (const { stream: channel, bytes } of session.output) {
      await stream.write(channel, bytes)
    }
    return { kind: 'done', code: await session.exited }
  } finally {
    stream.signal.removeEventListener('abort', close)
    close()
  }
}

async function feed(session: ExecSession, stream: Answering): Promise<void> {
  try {
    for await (const { channel, bytes } of stream.chunks) {
      if (channel === 'input') await session.write(bytes)
      else if (channel === 'resize') await resize(session, bytes)
    }
  } finally {
    session.endInput()
  }
}

async function resize(session: ExecSession, bytes: Uint8Array): Promise<void> {
  const size = terminalSizeSchema.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  if (size.success) await session.resize(size.data)
}

function failureOf(error: unknown, log: Log): StreamEnd {
  if (error instanceof RequestError) {
    const { status, code, message } = error
    return { kind: 'failed', status, code, message }
  }
  log.warn('a stream failed', { reason: sentenceOf(error) })
  return { kind: 'failed', status: 500, code: 'STREAM_FAILED', message: sentenceOf(error) }
}
