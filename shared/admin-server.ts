/** The port that a program keeps for its operators: a table of paths, small answers. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { ErrorBody } from './api.ts'
import { RequestError } from './errors.ts'
import type { LogLevel } from './log.ts'
import { isLoopback } from './loopback.ts'

export interface AdminAnswer {
  readonly status: number
  readonly type: string
  readonly text: string
}

export type AdminHandler = (request: IncomingMessage) => Promise<AdminAnswer>

const LIMITS = { requestTimeout: 10_000, headersTimeout: 5_000, keepAliveTimeout: 5_000 }
const CONNECTIONS_MAX = 100
const BODY_BYTES_MAX = 1_000
const LEVELS: readonly LogLevel[] = ['error', 'warn', 'info', 'debug']

/** Serves the handlers by `METHOD /path`; everything else is 404. It listens where it is told to. */
export function createAdminServer(handlers: Readonly<Record<string, AdminHandler>>): Server {
  const table = new Map(Object.entries(handlers))
  const server = createServer(LIMITS, (request, response) => {
    const path = request.url?.split('?')[0] ?? ''
    const handler = table.get(`${request.method} ${path}`) ?? nothing
    handler(request)
      .catch(refused)
      .then(({ status, type, text }) => {
        response.writeHead(status, { 'content-type': type })
        response.end(text)
      })
  })
  server.maxConnections = CONNECTIONS_MAX
  return server
}

export function adminJson(status: number, value: unknown): AdminAnswer {
  return { status, type: 'application/json', text: `${JSON.stringify(value)}\n` }
}

/** Sets the level from this machine only, and not from a page that a browser on it shows. */
export function logLevelHandler(setLevel: (level: LogLevel) => void): AdminHandler {
  return async (request) => {
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
    setLevel(level)
    return adminJson(200, { level })
  }
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

async function nothing({ method, url }: IncomingMessage): Promise<AdminAnswer> {
  throw new RequestError(404, 'NOT_FOUND', `Cannot ${method} ${url}: there is nothing here`)
}

function refused(error: unknown): AdminAnswer {
  const known = error instanceof RequestError
  const status = known ? error.status : 500
  const code = known ? error.code : 'INTERNAL'
  const message = known ? error.message : 'Cannot answer: an error of the program itself'
  const body: ErrorBody = { error: { code, message } }
  return adminJson(status, body)
}
