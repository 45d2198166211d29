import { z } from 'zod'
import { RequestError } from '../../../shared/errors.ts'
import type { MasterSurface } from '../../surface.ts'
import { parsed } from '../parsed.ts'
import { actorOf, type Call, type Route } from '../route.ts'

const TAIL_MAX = 1_000_000

/** What goes on: output and starts as lines of JSON, commands and the workers' own as WebSockets. */
export function streamRoutes({ streams }: Pick<MasterSurface, 'streams'>): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/replicas/:id/logs',
      roles: ['operator', 'viewer'],
      kind: 'stream',
      handle: async ({ params, query, signal }) => {
        const lines = await streams.logs(params.id ?? '', askedIn(query), signal)
        return { kind: 'lines', lines }
      },
    },
    {
      method: 'get',
      path: '/v1/replicas/:id/progress',
      roles: ['operator', 'viewer'],
      kind: 'stream',
      handle: async ({ params, signal }) => {
        return { kind: 'lines', lines: await streams.progress(params.id ?? '', signal) }
      },
    },
    {
      method: 'get',
      path: '/v1/replicas/:id/exec',
      roles: ['operator'],
      kind: 'stream',
      handle: expectUpgrade,
      upgrade: ({ params, caller }) => streams.exec(params.id ?? '', actorOf(caller)),
    },
    {
      method: 'get',
      path: '/v1/nodes/:id/streams',
      roles: ['node'],
      kind: 'news',
      subject: ({ params }) => params.id,
      handle: expectUpgrade,
      upgrade: ({ params }) => streams.welcome(params.id ?? ''),
    },
  ]
}

const querySchema = z.strictObject({
  follow: z.enum(['', 'true', 'false', '1', '0']).optional(),
  tail: z.coerce.number().int().min(0).max(TAIL_MAX).optional(),
  /** A moment: milliseconds since 1970, or as ISO 8601 writes it. */
  since: z
    .union([
      z
        .string()
        .regex(/^\d{1,15}(\.\d{1,9})?$/)
        .transform(Number),
      z.iso.datetime({ offset: true }).transform((text) => Date.parse(text)),
    ])
    .optional(),
})

function askedIn(query: Call['query']) {
  const { follow = 'false', tail, since } = parsed(querySchema, query, 'Cannot read the query')
  return {
    follow: follow !== 'false' && follow !== '0',
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { sinceMs: since }),
  }
}

function expectUpgrade(): never {
  const message = 'Cannot answer this as a page: it is a WebSocket'
  throw new RequestError(426, 'UPGRADE_REQUIRED', message)
}
