import { type Agent, request as ask, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { after } from '../../shared/clock.ts'
import type { Endpoint } from '../../shared/model.ts'
import type { EngineLimits } from '../engine.ts'
import type { Failure } from '../exchange.ts'
import { type Inbound, welcomeBody } from './inbound.ts'

export type Attempted =
  | { readonly kind: 'answered'; readonly answer: IncomingMessage; readonly asked: ClientRequest }
  | {
      readonly kind: 'upgraded'
      readonly answer: IncomingMessage
      readonly socket: Socket
      readonly head: Buffer
    }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly cause: Error }

export interface AttemptOptions {
  /** A pool of kept connections, or a connection of its own. */
  readonly agent: Agent | false
  readonly limits: EngineLimits
  /** Aborts when the client is gone. */
  readonly signal: AbortSignal
  /** Calls back when no answer is to be expected any more, until the answer is called. */
  readonly whenLost: (hear: () => void) => () => void
  readonly onEarlyHints: (hints: IncomingMessage['headers']) => void
}

/** Asks one replica; settles with the head of its answer, never rejects. */
export function attempt(
  inbound: Inbound,
  endpoint: Endpoint,
  options: AttemptOptions,
): Promise<Attempted> {
  return new Promise((resolve) => {
    try {
      start(inbound, open(inbound, endpoint, options), { ...options, settle: resolve })
    } catch (cause) {
      // Node refuses to send what is no valid header; the parser let it in all the same.
      resolve({ kind: 'failed', failure: 'sent', cause: asError(cause) })
    }
  })
}

interface Started extends AttemptOptions {
  readonly settle: (attempted: Attempted) => void
}

function open(inbound: Inbound, endpoint: Endpoint, options: AttemptOptions): ClientRequest {
  return ask({
    agent: options.agent,
    host: endpoint.host,
    port: endpoint.port,
    method: inbound.method,
    path: inbound.target,
    headers: [...inbound.headers],
    setHost: false,
    maxHeaderSize: options.limits.headerBytesMax,
    signal: options.signal,
  })
}

function start(inbound: Inbound, asked: ClientRequest, options: Started): void {
  const { limits } = options
  const progress = { connected: false, bytesBefore: 0, timedOut: false }
  const expire = (): void => {
    progress.timedOut = true
    asked.destroy(new Error('it took too long'))
  }
  let cancelTimer: () => void = () => undefined
  const arm = (ms: number): void => {
    cancelTimer()
    cancelTimer = after(ms, () => {
      const uploading = inbound.body.kind === 'stream' && !inbound.client.request.readableEnded
      // While the client still sends, its own idle limit watches over it.
      if (progress.connected && uploading) arm(limits.answerTimeoutMs)
      else expire()
    })
  }
  const forget = options.whenLost(() => void asked.destroy(new Error('its machine is lost')))
  const settle = (attempted: Attempted): void => {
    cancelTimer()
    forget()
    options.settle(attempted)
  }
  arm(limits.answerTimeoutMs)
  asked.on('socket', (socket) => {
    const connected = (): void => {
      progress.connected = true
      progress.bytesBefore = socket.bytesRead
      arm(limits.answerTimeoutMs)
      send(inbound, asked)
    }
    if (!socket.connecting) return connected()
    arm(limits.connectTimeoutMs)
    socket.once('connect', connected)
  })
  asked.on('information', ({ statusCode, headers }) => {
    if (statusCode === 103) options.onEarlyHints(headers)
  })
  asked.on('response', (answer) => settle({ kind: 'answered', answer, asked }))
  asked.on('upgrade', (answer, socket, head) => settle({ kind: 'upgraded', answer, socket, head }))
  asked.on('error', (cause) => {
    inbound.client.request.unpipe(asked)
    settle({ kind: 'failed', failure: failureOf(asked, progress), cause })
  })
}

/** The body starts only on an open connection: until then another replica may be asked. */
function send({ body, client }: Inbound, asked: ClientRequest): void {
  if (body.kind === 'none') asked.end()
  else if (body.kind === 'bytes') asked.end(body.bytes)
  else {
    asked.flushHeaders()
    welcomeBody(client)
    client.request.pipe(asked)
  }
}

interface Progress {
  readonly connected: boolean
  readonly bytesBefore: number
  readonly timedOut: boolean
}

function failureOf(asked: ClientRequest, progress: Progress): Failure {
  if (!progress.connected) return 'connect'
  if (progress.timedOut) return 'timeout'
  const silent = (asked.socket?.bytesRead ?? 0) === progress.bytesBefore
  if (!silent) return 'sent'
  return asked.reusedSocket ? 'stale' : 'silent'
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause))
}
