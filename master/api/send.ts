import type { ServerResponse } from 'node:http'
import { type Clock, repeat } from '../../shared/clock.ts'
import { BEAT } from './event-frames.ts'
import type { Answer } from './route.ts'

const BEAT_EVERY_MS = 15_000
/** The connection is given up later than its reader. */
const IDLE_SPARE_MS = 120_000

interface Flow {
  readonly type: string
  /** Written when nothing else is, so that both sides know of each other. */
  readonly beat: string
  readonly lagMaxMs: number
}

const EVENTS: Flow = {
  type: 'text/event-stream',
  beat: BEAT,
  // A client that takes nothing for so long is let go: it resumes where it was.
  lagMaxMs: 15_000,
}

const LINES: Flow = {
  type: 'application/x-ndjson; charset=utf-8',
  beat: '\n',
  // Somebody reads page by page, and there is no way to resume.
  lagMaxMs: 600_000,
}

export async function send(
  answer: Answer,
  response: ServerResponse,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  if (response.destroyed) return
  if (answer.kind === 'json') sendJson(response, answer.status, answer.body)
  else if (answer.kind === 'text') sendText(response, 200, answer.type, answer.text)
  else if (answer.kind === 'empty') response.writeHead(204).end()
  else if (answer.kind === 'events')
    await sendFlow(answer.chunks, EVENTS, response, { clock, signal })
  else await sendFlow(answer.lines, LINES, response, { clock, signal })
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(body))
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text)
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length })
  response.end(bytes)
}

interface Around {
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** What the client does not take is not fetched: at most one batch and one beat wait for it. */
async function sendFlow(
  chunks: AsyncIterable<string>,
  flow: Flow,
  response: ServerResponse,
  { clock, signal }: Around,
): Promise<void> {
  const done = new AbortController()
  const stop = (): void => done.abort()
  signal.addEventListener('abort', stop, { once: true })
  response.writeHead(200, { 'content-type': flow.type, 'x-accel-buffering': 'no' })
  // It may be silent, or wait for its reader, for longer than a request may.
  response.setTimeout(flow.lagMaxMs + IDLE_SPARE_MS)
  response.flushHeaders()
  const around = { clock, signal: done.signal }
  const beating = beats(response, flow, around)
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) return
      if (!response.write(chunk)) await drained(response, flow, around)
    }
    response.end()
  } finally {
    signal.removeEventListener('abort', stop)
    done.abort()
    await beating
  }
}

async function beats(
  response: ServerResponse,
  { beat: sign }: Flow,
  { clock, signal }: Around,
): Promise<void> {
  await clock.sleep(BEAT_EVERY_MS, signal)
  const beat = (): void => {
    if (!signal.aborted && !response.writableNeedDrain) response.write(sign)
  }
  await repeat(beat, BEAT_EVERY_MS, clock, signal)
}

async function drained(
  response: ServerResponse,
  { lagMaxMs }: Flow,
  { clock, signal }: Around,
): Promise<void> {
  const taken = new AbortController()
  const stop = (): void => taken.abort()
  response.once('drain', stop)
  signal.addEventListener('abort', stop, { once: true })
  await clock.sleep(lagMaxMs, taken.signal)
  response.removeListener('drain', stop)
  signal.removeEventListener('abort', stop)
  if (!taken.signal.aborted) response.destroy()
}
