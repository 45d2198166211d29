/** Requests that become a WebSocket: the same table, callers, roles and gate as all others. */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { notFound, RequestError, sentenceOf } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import { acceptSocket, type StreamSocket } from '../../shared/stream-socket.ts'
import { expectIdentity, expectOwn, expectRole } from '../api/access.ts'
import { Calls } from '../api/calls.ts'
import type { Gate } from '../api/gate.ts'
import { refusalOf } from '../api/refusal.ts'
import type { Call, Route } from '../api/route.ts'
import type { ControlUpgrade } from '../server/control-server.ts'
import { refuseUpgrade } from '../server/plain-gate.ts'
import type { Caller } from '../surface.ts'

export interface UpgradeOptions {
  readonly identify: (request: IncomingMessage) => Caller
  readonly gate: Gate
  readonly log: Log
  /** Aborts when the master ends: every socket is closed. */
  readonly ending: AbortSignal
}

/** The request, with what the server has read of the connection after it. */
interface Knock {
  readonly request: IncomingMessage
  readonly socket: Duplex
  readonly head: Buffer
}

export function createUpgrade(routes: readonly Route[], options: UpgradeOptions): ControlUpgrade {
  const doors = routes.filter(({ upgrade }) => upgrade !== undefined)
  const calls = new Calls(options.ending)
  return (request, socket, head) => {
    admit({ request, socket, head }, doors, { ...options, calls }).catch((error: unknown) => {
      const { status, body } = refusalOf(error, options.log)
      const { code, message } = body.error
      refuseUpgrade(socket, new RequestError(status, code, message))
    })
  }
}

/** Everything is checked before the connection is a WebSocket; rejects with the refusal. */
async function admit(
  knock: Knock,
  doors: readonly Route[],
  options: UpgradeOptions & { readonly calls: Calls },
): Promise<void> {
  const { request, socket, head } = knock
  const caller = options.identify(request)
  expectIdentity(caller)
  expectWebSocket(request)
  expectSameOrigin(request)
  const { route, params, query } = find(doors, request)
  expectRole(route, caller)
  const kind = typeof route.kind === 'function' ? route.kind(request.headers) : route.kind
  const leave = options.gate.enter(kind)
  if (leave === undefined) throw new RequestError(429, 'OVERLOADED', BUSY)
  const life = options.calls.begin(options.ending)
  try {
    const { headers } = request
    const call: Call = { params, query, headers, body: undefined, caller, signal: life.signal }
    expectOwn(route, call)
    const serve = route.upgrade?.(call)
    const opened = await acceptSocket(request, socket, head)
    await serveUntilClosed(opened, serve, { ...options, signal: life.signal })
  } finally {
    life.end()
    leave()
  }
}

const BUSY = 'Cannot serve this now: too much of its kind is being served'

type Serve = (socket: StreamSocket) => Promise<void> | void

async function serveUntilClosed(
  socket: StreamSocket,
  serve: Serve | undefined,
  { signal, log }: { readonly signal: AbortSignal; readonly log: Log },
): Promise<void> {
  const close = (): void => socket.close('the master ends')
  signal.addEventListener('abort', close, { once: true })
  if (signal.aborted) close()
  try {
    await serve?.(socket)
  } catch (error) {
    // The refusal has been said on the socket; here is a bug to be found.
    log.error('request failed', { reason: sentenceOf(error) })
    socket.close('the master failed')
  }
  await socket.closed
  signal.removeEventListener('abort', close)
}

function find(doors: readonly Route[], request: IncomingMessage) {
  const url = new URL(request.url ?? '/', 'http://master')
  for (const route of doors) {
    const params = matchPath(route.path, url.pathname)
    if (params !== undefined) return { route, params, query: Object.fromEntries(url.searchParams) }
  }
  throw notFound('path', `${request.method} ${url.pathname}`)
}

/** The parameters of a path such as `/v1/nodes/:id/streams`; undefined when it is another. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/')
  const given = path.split('/')
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [at, part] of wanted.entries()) {
    const text = given[at] ?? ''
    if (!part.startsWith(':')) {
      if (part !== text) return undefined
    } else params[part.slice(1)] = decoded(text)
  }
  return params
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new RequestError(400, 'MALFORMED_REQUEST', `Cannot read the path: "${text}" is no text`)
  }
}

function expectWebSocket({ headers }: IncomingMessage): void {
  if (headers.upgrade?.toLowerCase() === 'websocket') return
  const message = `Cannot upgrade to "${headers.upgrade}": only to a WebSocket`
  throw new RequestError(400, 'MALFORMED_REQUEST', message)
}

/** A page of another origin can open a WebSocket to us, and a browser lends it what proves the user. */
function expectSameOrigin({ headers, socket }: IncomingMessage): void {
  const { origin, host } = headers
  const own = `${socket instanceof TLSSocket ? 'https' : 'http'}://${host}`
  if (origin === undefined || origin === own) return
  const message = 'Cannot open a WebSocket: it comes from a page of another origin'
  throw new RequestError(403, 'FOREIGN_ORIGIN', message)
}
