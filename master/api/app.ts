/** Builds the API: the only file that knows the web framework. */
import type { IncomingMessage } from 'node:http'
import express, { type Express, type Request, type Response } from 'express'
import helmet from 'helmet'
import { type Clock, systemClock } from '../../shared/clock.ts'
import { notFound, RequestError } from '../../shared/errors.ts'
import type { Log } from '../../shared/log.ts'
import type { Caller, MasterSurface } from '../surface.ts'
import { expectIdentity, expectOwn, expectRole } from './access.ts'
import { expectPlain } from './body.ts'
import { Calls } from './calls.ts'
import { Gate, type GateLimits } from './gate.ts'
import { refusalOf } from './refusal.ts'
import type { Call, Kind, Route } from './route.ts'
import { apiRoutes } from './routes/routes.ts'
import type { ServiceOptions } from './routes/service-routes.ts'
import { send, sendJson } from './send.ts'

export interface ApiOptions {
  /** Who is calling; it may refuse by throwing a RequestError. */
  readonly identify: (request: IncomingMessage) => Caller
  readonly services: ServiceOptions
  /** One that others share, or the limits of an own one. */
  readonly gate: GateLimits | Gate
  readonly longPollMs: number
  readonly log: Log
  /** Aborts when the master ends: waits are answered, streams are closed. */
  readonly ending: AbortSignal
  readonly clock?: Clock
}

const RETRY_AFTER_S = '1'

export function createApi(master: MasterSurface, options: ApiOptions): Express {
  const app = express()
  app.set('etag', false)
  app.set('query parser', 'simple')
  app.set('case sensitive routing', true)
  app.use(helmet(HEADERS))
  app.use((_request, response, next) => {
    response.setHeader('cache-control', 'no-store')
    next()
  })
  app.use((request, response, next) => {
    const caller = options.identify(request)
    expectIdentity(caller)
    response.locals.caller = caller
    next()
  })
  mount(app, apiRoutes(master, options.services), options)
  app.use((request: Request) => {
    throw notFound('path', `${request.method} ${request.path}`)
  })
  app.use((error: unknown, request: Request, response: Response, _next: unknown) => {
    refuse(error, { request, response, log: options.log })
  })
  return app
}

/** The API is no place for pages: nothing of it may be shown, framed or run. */
const HEADERS = {
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  strictTransportSecurity: false,
}

function mount(app: Express, routes: readonly Route[], options: ApiOptions): void {
  const desk: Desk = { gate: gateOf(options), calls: new Calls(options.ending), options }
  const methods = new Map<string, string[]>()
  for (const route of routes) {
    methods.set(route.path, [...(methods.get(route.path) ?? []), route.method.toUpperCase()])
    const parse = parserOf(route)
    app[route.method](route.path, (request: Request, response: Response) =>
      serve(route, parse, { ...desk, request, response }),
    )
  }
  for (const [path, allowed] of methods) {
    app.all(path, (request: Request, response: Response) => {
      response.setHeader('allow', allowed.join(', '))
      const message = `Cannot ${request.method} ${request.path}: it takes ${allowed.join(', ')}`
      throw new RequestError(405, 'METHOD_NOT_ALLOWED', message)
    })
  }
}

function gateOf({ gate }: ApiOptions): Gate {
  return gate instanceof Gate ? gate : new Gate(gate)
}

interface Desk {
  readonly gate: Gate
  readonly calls: Calls
  readonly options: ApiOptions
}

interface Exchange extends Desk {
  readonly request: Request
  readonly response: Response
}

type Parser = (request: Request, response: Response) => Promise<void>

async function serve(route: Route, parse: Parser, exchange: Exchange): Promise<void> {
  const { request, response, gate, calls, options } = exchange
  const caller: Caller = response.locals.caller
  expectRole(route, caller)
  const kind = kindOf(route, request)
  const leave = gate.enter(kind)
  if (leave === undefined) throw new RequestError(429, 'OVERLOADED', BUSY)
  const waitMs = kind === 'news' ? options.longPollMs : undefined
  const life = calls.begin(options.ending, waitMs)
  response.once('close', life.end)
  try {
    await parse(request, response)
    const call = callOf(request, caller, life.signal)
    expectOwn(route, call)
    const answer = await route.handle(call)
    await send(answer, response, options.clock ?? systemClock, life.signal)
  } finally {
    response.removeListener('close', life.end)
    life.end()
    leave()
  }
}

const BUSY = 'Cannot serve this now: too much of its kind is being served'

function kindOf({ kind }: Route, request: Request): Kind {
  return typeof kind === 'function' ? kind(request.headers) : kind
}

function callOf(request: Request, caller: Caller, signal: AbortSignal): Call {
  const params: Record<string, string> = {}
  for (const [key, value] of Object.entries(request.params)) params[key] = String(value)
  const { query, headers, body } = request
  return { params, query, headers, body, caller, signal }
}

/** Reads the body only of those who may be here, and only as much as the route takes. */
function parserOf({ bodyBytesMax }: Route): Parser {
  if (bodyBytesMax === undefined) return async () => undefined
  const read = express.json({ limit: bodyBytesMax, inflate: false, type: () => true })
  return async (request, response) => {
    expectJson(request)
    await new Promise<void>((resolve, reject) => {
      read(request, response, (error?: unknown) => (error ? reject(error) : resolve()))
    })
    if (request.body === undefined) {
      throw new RequestError(400, 'MALFORMED_JSON', 'Cannot read the body: it is empty')
    }
    expectPlain(request.body)
  }
}

function expectJson(request: Request): void {
  if (request.is('application/json') !== false) return
  const message = 'Cannot read the body: its content type must be application/json'
  throw new RequestError(415, 'UNSUPPORTED_MEDIA_TYPE', message)
}

function refuse(
  error: unknown,
  { request, response, log }: Pick<Exchange, 'request' | 'response'> & { readonly log: Log },
): void {
  const { status, body } = refusalOf(error, log)
  if (response.headersSent || response.destroyed) {
    // A cut is the only way left to say that the answer is not whole.
    response.destroy()
    return
  }
  if (status === 429) response.setHeader('retry-after', RETRY_AFTER_S)
  if (body.error.code === 'UPGRADE_REQUIRED') response.setHeader('upgrade', 'websocket')
  // What was not read of the body would be taken for the next request.
  if (!request.complete) response.setHeader('connection', 'close')
  sendJson(response, status, body)
}
