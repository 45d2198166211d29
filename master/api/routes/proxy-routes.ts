import { z } from 'zod'
import type { RouteRevision } from '../../../shared/model.ts'
import { measurementsSchema, proxyJoinSchema } from '../../../shared/protocol.ts'
import type { MasterSurface } from '../../surface.ts'
import { parsed, parsedWire } from '../parsed.ts'
import { type Call, EMPTY, json, type Route, WIRE_BYTES_MAX } from '../route.ts'

/** What proxies say and ask. */
export function proxyRoutes(master: MasterSurface): readonly Route[] {
  const { proxies } = master
  return [
    {
      method: 'get',
      path: '/v1/proxies',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: () => json({ proxies: proxies.list() }),
    },
    {
      method: 'post',
      path: '/v1/proxies',
      roles: ['join', 'proxy'],
      kind: 'report',
      bodyBytesMax: WIRE_BYTES_MAX,
      subject: proxyIn,
      handle: async ({ body, caller }) =>
        json(await proxies.join(parsedWire(proxyJoinSchema, body, 'join'), caller), 201),
    },
    {
      method: 'delete',
      path: '/v1/proxies/:id',
      roles: ['proxy'],
      kind: 'report',
      subject: ({ params }) => params.id,
      handle: ({ params }) => {
        proxies.leave(params.id ?? '')
        return EMPTY
      },
    },
    {
      method: 'get',
      path: '/v1/routes',
      roles: ['proxy', 'operator', 'viewer'],
      kind: 'news',
      handle: async ({ query, signal }) => json(await proxies.routes(routeRevision(query), signal)),
    },
    {
      method: 'post',
      path: '/v1/measurements',
      roles: ['proxy'],
      kind: 'report',
      bodyBytesMax: WIRE_BYTES_MAX,
      subject: proxyIn,
      handle: ({ body }) =>
        json(proxies.measure(parsedWire(measurementsSchema, body, 'measurement'))),
    },
  ]
}

function proxyIn({ body }: Call): string | undefined {
  const proxy = typeof body === 'object' && body !== null && 'proxy' in body ? body.proxy : ''
  return typeof proxy === 'string' ? proxy : undefined
}

const afterSchema = z.object({
  after: z
    .string()
    .regex(/^\d{1,15}\.\d{1,15}$/, 'expected EPOCH.SEQ')
    .optional(),
})

/** `EPOCH.SEQ`; without it the whole table is asked for. */
function routeRevision(query: Call['query']): RouteRevision | undefined {
  const { after } = parsed(afterSchema, query, 'Cannot read the query')
  if (after === undefined) return undefined
  const [epoch, seq] = after.split('.').map(Number)
  return { epoch: epoch ?? 0, seq: seq ?? 0 }
}
