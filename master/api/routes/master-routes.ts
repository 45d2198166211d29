import { z } from 'zod'
import type { MasterSurface } from '../../surface.ts'
import { parsed } from '../parsed.ts'
import { json, type Route, SPEC_BYTES_MAX } from '../route.ts'

const levelSchema = z.strictObject({ level: z.enum(['error', 'warn', 'info', 'debug']) })

/** What the master says of itself. */
export function masterRoutes(master: MasterSurface): readonly Route[] {
  return [
    {
      method: 'get',
      path: '/v1/health',
      roles: ['operator', 'viewer', 'node', 'proxy', 'join'],
      kind: 'report',
      handle: () => {
        const health = master.health()
        return json(health, health.status === 'ok' ? 200 : 503)
      },
    },
    {
      method: 'get',
      path: '/metrics',
      roles: ['operator', 'viewer'],
      kind: 'read',
      handle: async () => ({
        kind: 'text',
        type: 'text/plain; version=0.0.4; charset=utf-8',
        text: await master.metrics(),
      }),
    },
    {
      method: 'put',
      path: '/v1/log-level',
      roles: [],
      kind: 'write',
      bodyBytesMax: SPEC_BYTES_MAX,
      handle: ({ body }) => {
        const { level } = parsed(levelSchema, body, 'Cannot set the log level')
        master.setLogLevel(level)
        return json({ level })
      },
    },
  ]
}
