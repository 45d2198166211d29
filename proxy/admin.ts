import type { Server } from 'node:http'
import {
  type AdminAnswer,
  adminJson,
  createAdminServer,
  logLevelHandler,
} from '../shared/admin-server.ts'
import type { LogLevel } from '../shared/log.ts'
import { createProxyMetrics } from './proxy-metrics.ts'
import type { Traffic } from './traffic.ts'

export interface AdminParts {
  readonly traffic: Traffic
  /** Whether a master answers; undefined when none is asked. */
  readonly masterAnswers: () => boolean | undefined
  readonly setLogLevel: (level: LogLevel) => void
}

/** The port for operators: metrics, health, the routing table in force, the level of the log. */
export function createAdmin(parts: AdminParts): Server {
  const metrics = createProxyMetrics(parts.traffic)
  return createAdminServer({
    'GET /metrics': async () => {
      return { status: 200, type: metrics.contentType, text: await metrics.text() }
    },
    'GET /healthz': async () => health(parts),
    'GET /routes': async () => adminJson(200, routes(parts.traffic)),
    'PUT /log-level': logLevelHandler(parts.setLogLevel),
  })
}

function health({ traffic, masterAnswers }: AdminParts): AdminAnswer {
  const { table } = traffic
  const known = table.revision !== undefined
  const freshness = table.stale ? 'stale' : 'current'
  const routing = known ? freshness : 'none'
  const answers = masterAnswers()
  return adminJson(known ? 200 : 503, {
    status: known ? 'ok' : 'starting',
    routes: routing,
    master: answers === undefined ? 'none' : answers ? 'ok' : 'unreachable',
  })
}

function routes({ table, shares, learned, inFlight, queued, avoided }: Traffic): unknown {
  return {
    revision: table.revision,
    stale: table.stale,
    services: table.fragments,
    permits: Object.fromEntries(shares),
    learned: [...learned],
    inFlight: Object.fromEntries(inFlight),
    queued: Object.fromEntries(queued),
    avoided,
  }
}
