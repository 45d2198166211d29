/** One master, and the connections to it that are kept alive; the only importer of node-fetch. */
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Socket } from 'node:net'
import fetch, { type Response } from 'node-fetch'
import { after } from './clock.ts'
import type { Credential } from './credential.ts'
import { RequestError } from './errors.ts'
import { isLoopback } from './loopback.ts'
import { connectTimeout } from './network-failure.ts'
import { dialSocket, type StreamSocket } from './stream-socket.ts'
import { fetchPinnedCa, MASTER_NAME, WrongMaster } from './tls-pin.ts'
import { parseToken } from './token.ts'

export interface ChannelRequest {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
  readonly signal: AbortSignal
  /** Reading more of the answer as one text fails. */
  readonly answerBytesMax: number
}

export interface MasterChannel {
  readonly origin: string
  send(request: ChannelRequest): Promise<Response>
  /** Opens a WebSocket; the signal ends only the attempt. */
  connect(path: string, signal: AbortSignal): Promise<StreamSocket>
  trustedCa(): string | undefined
  renew(credential: Credential): void
  close(): void
}

export interface ChannelIdentity {
  readonly credential?: Credential | undefined
  readonly token?: string | undefined
}

const CONNECT_MS_MAX = 3_000
const CONNECTIONS_MAX = 64
const IDLE_CONNECTIONS_MAX = 8
/** Shorter than the server's own, so that it is rarely the server that closes an idle one. */
const IDLE_MS_MAX = 30_000

export function createMasterChannel(origin: string, identity: ChannelIdentity): MasterChannel {
  const isTls = origin.startsWith('https:')
  const token = isTls || isLoopback(new URL(origin).hostname) ? identity.token : undefined
  let credential = identity.credential
  let ca = credential?.ca
  let agent: HttpAgent | undefined
  let pinning: Promise<string> | undefined

  async function connected(signal: AbortSignal): Promise<HttpAgent> {
    if (isTls && ca === undefined) {
      pinning ??= pin(origin, identity.token).finally(() => {
        pinning = undefined
      })
      ca = await unlessAborted(pinning, signal)
    }
    agent ??= isTls ? createTlsAgent(ca, credential) : guarded(new HttpAgent(POOL))
    return agent
  }

  return {
    origin,
    send: async (request) =>
      fetch(origin + checkPath(request.path), {
        method: request.method,
        headers: withToken(request.headers, token),
        body: request.body ?? null,
        agent: await connected(request.signal),
        signal: request.signal,
        size: request.answerBytesMax,
        redirect: 'manual',
        // A compressed answer would be larger in memory than its limit says.
        compress: false,
      }),
    connect: async (path, signal) =>
      dialSocket({
        url: origin + checkPath(path),
        headers: withToken({}, token),
        agent: await connected(signal),
        signal,
      }),
    trustedCa: () => ca,
    renew: (next) => {
      credential = next
      ca = next.ca ?? ca
      // Not destroyed: calls under way end on it, and its idle connections time out.
      agent = undefined
    },
    close: () => agent?.destroy(),
  }
}

const POOL = {
  keepAlive: true,
  maxSockets: CONNECTIONS_MAX,
  maxFreeSockets: IDLE_CONNECTIONS_MAX,
  timeout: IDLE_MS_MAX,
} as const

/** A path that does not begin like one would name another host than the origin. */
function checkPath(path: string): string {
  if (path.startsWith('/')) return path
  throw new TypeError(`Cannot call ${path}: a path begins with "/"`)
}

async function pin(origin: string, token: string | undefined): Promise<string> {
  if (token === undefined) {
    throw new RequestError(400, 'MASTER_URL', `Cannot trust ${origin}: no token says which CA to`)
  }
  try {
    return await fetchPinnedCa(origin, parseToken(token).fingerprint, CONNECT_MS_MAX)
  } catch (error) {
    if (!(error instanceof WrongMaster)) throw error
    throw new RequestError(403, 'WRONG_MASTER', `Cannot trust ${origin}: ${error.message}`)
  }
}

/** Several calls wait for the same: each until its own time is over. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new AbortController()
  try {
    return await Promise.race([work, abortOf(signal, aborted.signal)])
  } finally {
    aborted.abort()
  }
}

function abortOf(signal: AbortSignal, ended: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = (): void => reject(signal.reason)
    if (signal.aborted) give()
    signal.addEventListener('abort', give, { once: true, signal: ended })
  })
}

function createTlsAgent(ca: string | undefined, credential: Credential | undefined): HttpAgent {
  const { key, certificate } = credential ?? {}
  const own = key === undefined || certificate === undefined ? {} : { key, cert: certificate }
  const agent = new HttpsAgent({
    ...POOL,
    ...own,
    // An empty list trusts nobody, where an absent one would trust the public authorities.
    ca: ca ?? [],
    servername: MASTER_NAME,
    minVersion: 'TLSv1.2',
  })
  return guarded(agent)
}

/** Bounds the time until a connection stands, its TLS handshake included. */
function guarded<T extends HttpAgent>(agent: T): T {
  const open = agent.createConnection.bind(agent)
  agent.createConnection = (options, callback) => {
    const socket = open(options, callback)
    if (socket instanceof Socket) limitConnect(socket)
    return socket
  }
  return agent
}

function limitConnect(socket: Socket): void {
  const cancel = after(CONNECT_MS_MAX, () => socket.destroy(connectTimeout()))
  socket.once('encrypted' in socket ? 'secureConnect' : 'connect', cancel)
  socket.once('close', cancel)
}

function withToken(
  headers: Readonly<Record<string, string>>,
  token: string | undefined,
): Record<string, string> {
  return token === undefined ? { ...headers } : { ...headers, authorization: `Bearer ${token}` }
}
