import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ErrorBody } from '../shared/api.ts'
import { RequestError } from '../shared/errors.ts'
import type { LogLevel } from '../shared/log.ts'
import { isLoopback } from '../shared/loopback.ts'
import { createProxyMetrics } from './proxy-metrics.ts'
import type { Traffic } from './traffic.ts'

export interface AdminParts {
  readonly traffic: Traffic
  /** Whether a master answers; undefined when none is asked. */
  readonly masterAnswers: () => boolean | undefined
  readonly setLogLevel: (level: LogLevel) => void
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly text: string
}

const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']
const BODY_BYTES_MAX = 1_000
const LIMITS = { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 }
const CONNECTIONS_MAX = 100

/** The port for operators: metrics, health, the routing table in force, the level of the log. */
export function createAdmin(parts: AdminParts): Server {
  const metrics = createProxyMetrics(parts.traffic)
  const handlers: Readonly<Record<string, (request: IncomingMessage) => Promise<Answer>>> = {
    'GET /metrics': async () => {
      return { status: 200, type: metrics.contentType, text: await metrics.text() }
    },
    'GET /healthz': async () => health(parts),
    'GET /routes': async () => json(200, routes(parts.traffic)),
    'PUT /log-level': (request) => setLevel(request, parts),
  }
  const server = createServer(LIMITS, (request, response) => {
    const path = request.url?.split('?')[0] ?? ''
    const handler = handlers[`${request.method} ${path}`] ?? nothing
    handler(request)
      .catch(refused)
      .then((answer) => send(response, answer))
  })
  server.maxConnections = CONNECTIONS_MAX
  return server
}

function health({ traffic, masterAnswers }: AdminParts): Answer {
  const { table } = traffic
  const known = table.revision !== undefined
  const freshness = table.stale ? 'stale' : 'current'
  const routing = known ? freshness : 'none'
  const answers = masterAnswers()
  return json(known ? 200 : 503, {
    status: known ? 'ok' : 'starting',
    routes: routing,
    master: answers === undefined ? 'none' : answers ? 'ok' : 'unreachable',
  })
}

function routes({ table, permits, balancer, ejection }: Traffic): unknown {
  return {
    revision: table.revision,
    stale: table.stale,
    services: table.fragments,
    permits: Object.fromEntries(permits.shares),
    inFlight: Object.fromEntries(balancer.inFlight),
    avoided: ejection.avoided,
  }
}

/** From this machine only, and not from a page that a browser on it happens to show. */
async function setLevel(request: IncomingMessage, { setLogLevel }: AdminParts): Promise<Answer> {
  const { origin, host = '' } = request.headers
  const local = isLoopback(request.socket.remoteAddress)
  if (!local || origin !== undefined || !isLoopback(host.replace(/:\d+$/, ''))) {
    const message = 'Cannot set the log level: it is set from this machine only'
    throw new RequestError(403, 'FORBIDDEN', message)
  }
  const text = await readBody(request)
  const level = LEVELS.find((known) => known === levelIn(text))
  if (level === undefined) {
    const message = `Cannot set the log level: expected one of ${LEVELS.join(', ')}`
    throw new RequestError(422, 'VALIDATION_ERROR', message)
  }
  setLogLevel(level)
  return json(200, { level })
}

/** The level as a bare word, or as JSON: `"debug"`, `{"level":"debug"}`. */
function levelIn(text: string): unknown {
  const matched = /^(?:\{\s*"level"\s*:\s*"(\w+)"\s*\}|"?(\w+)"?)$/.exec(text.trim())
  return matched?.[1] ?? matched?.[2]
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) {
      throw new RequestError(413, 'TOO_LARGE', 'Cannot set the log level: the body is too large')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function nothing({ method, url }: IncomingMessage): Promise<Answer> {
  throw new RequestError(404, 'NOT_FOUND', `Cannot ${method} ${url}: there is nothing here`)
}

function refused(error: unknown): Answer {
  const known = error instanceof RequestError
  const status = known ? error.status : 500
  const code = known ? error.code : 'INTERNAL'
  const message = known ? error.message : 'Cannot answer: an error of the proxy itself'
  const body: ErrorBody = { error: { code, message } }
  return json(status, body)
}

function json(status: number, value: unknown): Answer {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` }
}

function send(response: ServerResponse, { status, type, text }: Answer): void {
  response.writeHead(status, { 'content-type': type })
  response.end(text)
}
