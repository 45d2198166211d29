import { z } from 'zod'
import type { EventsView } from '../../../shared/api.ts'
import { RequestError } from '../../../shared/errors.ts'
import { Compacted } from '../../store/store.ts'
import type { EventSource, MasterSurface } from '../../surface.ts'
import { eventFrames } from '../event-frames.ts'
import { parsed } from '../parsed.ts'
import { type Answer, type Call, json, type Route } from '../route.ts'
import { entryView } from '../views/entry-view.ts'

const EVENTS_MAX = 1_000
const EVENTS_USUAL = 100

/** One path, two forms: a page of JSON, or a stream for those who accept one. */
export function eventRoutes({ events }: Pick<MasterSurface, 'events'>): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/events',
      roles: ['operator', 'viewer'],
      kind: (headers) => (wantsStream(headers) ? 'stream' : 'read'),
      handle: (call) => (wantsStream(call.headers) ? follow(events, call) : page(events, call)),
    },
  ]
}

const querySchema = z.strictObject({
  after: z.coerce.number().int().nonnegative().optional(),
  limit: z.coerce.number().int().min(1).max(EVENTS_MAX).optional(),
})

function wantsStream({ accept }: Call['headers']): boolean {
  return String(accept ?? '').includes('text/event-stream')
}

/** Without `after` the latest are answered, oldest first. */
async function page(events: EventSource, { query }: Call): Promise<Answer> {
  const { after, limit = EVENTS_USUAL } = parsed(querySchema, query, 'Cannot read the query')
  const revision = events.head
  const found =
    after === undefined
      ? await latest(events, Math.max(0, revision - limit), limit)
      : await events.readFrom(after, limit)
  const view: EventsView = { events: found.map(entryView), revision }
  return json(view)
}

async function latest(events: EventSource, after: number, limit: number) {
  try {
    return await events.readFrom(after, limit)
  } catch (error) {
    if (error instanceof Compacted) return events.readFrom(error.oldest, limit)
    throw error
  }
}

/** Resumes after the last id that the client saw; a new client begins now. */
async function follow(events: EventSource, { query, headers, signal }: Call): Promise<Answer> {
  const { after } = parsed(querySchema, query, 'Cannot read the query')
  const from = lastEventId(headers) ?? after ?? events.head
  // What is not there is refused before the stream begins: then nobody misses it silently.
  if (from > events.head) throw beyond(from, events.head)
  await events.readFrom(from, 1)
  return { kind: 'events', chunks: eventFrames(events, from, signal) }
}

function beyond(from: number, head: number): RequestError {
  const message = `Cannot follow from revision ${from}: the log ends at ${head}`
  return new RequestError(410, 'COMPACTED', message)
}

function lastEventId(headers: Call['headers']): number | undefined {
  const id = headers['last-event-id']
  if (id === undefined || id === '') return undefined
  if (typeof id === 'string' && /^\d{1,15}$/.test(id)) return Number(id)
  const message = 'Cannot resume: Last-Event-ID is not a revision'
  throw new RequestError(422, 'VALIDATION_ERROR', message)
}
