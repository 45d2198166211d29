import type { ServerResponse } from 'node:http'
import { type Clock, repeat } from '../../shared/clock.ts'
import { BEAT } from './event-frames.ts'
import type { Answer } from './route.ts'

const BEAT_EVERY_MS = 15_000
/** A client that takes nothing for so long is let go: it resumes where it was. */
const LAG_MAX_MS = 15_000

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
  else await sendEvents(answer.chunks, response, clock, signal)
}

export function sendJson(response: ServerResponse, status: number, body: unknown): void {
  sendText(response, status, 'application/json; charset=utf-8', JSON.stringify(body))
}

function sendText(response: ServerResponse, status: number, type: string, text: string): void {
  const bytes = Buffer.from(text)
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.length })
  response.end(bytes)
}

/** What the client does not take is not fetched: at most one batch and one beat wait for it. */
async function sendEvents(
  chunks: AsyncIterable<string>,
  response: ServerResponse,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const done = new AbortController()
  const stop = (): void => done.abort()
  signal.addEventListener('abort', stop, { once: true })
  response.writeHead(200, { 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' })
  const beating = beats(response, clock, done.signal)
  try {
    for await (const chunk of chunks) {
      if (response.destroyed) return
      if (!response.write(chunk)) await drained(response, clock, done.signal)
    }
    response.end()
  } finally {
    signal.removeEventListener('abort', stop)
    done.abort()
    await beating
  }
}

async function beats(response: ServerResponse, clock: Clock, signal: AbortSignal): Promise<void> {
  await clock.sleep(BEAT_EVERY_MS, signal)
  const beat = (): void => {
    if (!signal.aborted && !response.writableNeedDrain) response.write(BEAT)
  }
  await repeat(beat, BEAT_EVERY_MS, clock, signal)
}

async function drained(response: ServerResponse, clock: Clock, signal: AbortSignal): Promise<void> {
  const taken = new AbortController()
  const stop = (): void => taken.abort()
  response.once('drain', stop)
  signal.addEventListener('abort', stop, { once: true })
  await clock.sleep(LAG_MAX_MS, taken.signal)
  response.removeListener('drain', stop)
  signal.removeEventListener('abort', stop)
  if (!taken.signal.aborted) response.destroy()
}
