import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { createCallerOf } from '../../master/identity/caller.ts'
import { type Identity, openIdentity } from '../../master/identity/identity.ts'
import {
  type ControlServer,
  type ControlServerOptions,
  createControlServer,
} from '../../master/server/control-server.ts'
import { systemClock } from '../../shared/clock.ts'
import { createCertificateRequest } from '../../shared/credential.ts'
import type { RequestError } from '../../shared/errors.ts'
import { MASTER_NAME } from '../../shared/tls-pin.ts'

export const DAY_MS = 86_400_000

export let directory = ''

export let identity: Identity

export const revoked = new Set<string>()

const servers: ControlServer[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'control-'))
  identity = await openIdentity(directory, systemClock)
})

afterAll(() => rm(directory, { recursive: true, force: true }))

afterEach(async () => {
  revoked.clear()
  await Promise.all(servers.splice(0).map((server) => server.close(0)))
})

export async function serve(options: Partial<ControlServerOptions> = {}): Promise<ControlServer> {
  const server = await createControlServer({
    listener: tellCaller(options.insecure ?? false),
    hosts: ['127.0.0.1'],
    port: 0,
    tls: await identity.issueServerTls(),
    insecure: false,
    ...options,
  })
  servers.push(server)
  return server
}

function tellCaller(insecure: boolean) {
  const callerOf = createCallerOf({
    tokens: identity.tokens,
    insecure,
    isRevoked: (_, subject) => revoked.has(subject),
    nowMs: () => systemClock.nowMs(),
  })
  return (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('content-type', 'application/json')
    try {
      response.end(JSON.stringify(callerOf(request)))
    } catch (error) {
      const { status, code } = error as RequestError
      response.statusCode = status
      response.end(JSON.stringify({ code }))
    }
  }
}

interface Asked {
  readonly host?: string
  readonly tls?: ConnectionOptions
  readonly headers?: Readonly<Record<string, string>>
}

export async function ask(
  port: number,
  asked: Asked = {},
): Promise<{ status: number; text: string }> {
  const options = {
    host: asked.host ?? '127.0.0.1',
    port,
    headers: asked.headers ?? {},
    agent: false,
  }
  const request =
    asked.tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...asked.tls })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}

export async function callerOf(port: number, asked: Asked = {}): Promise<unknown> {
  return JSON.parse((await ask(port, asked)).text)
}

export function trusting(): ConnectionOptions {
  return { ca: identity.ca, servername: MASTER_NAME }
}

export async function member(role: 'node' | 'proxy', subject: string): Promise<ConnectionOptions> {
  const { key, request } = await createCertificateRequest()
  const cert = await identity.issueClientCertificate(request, { role, subject })
  return { ...trusting(), key, cert }
}

export function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

export async function received(socket: Socket | TLSSocket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

export function readAuthorityKey(): Promise<string> {
  return readFile(join(directory, 'identity', 'ca.key'), 'utf8')
}
