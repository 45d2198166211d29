import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer as createHttp, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll } from 'vitest'
import { z } from 'zod'
import { createCallerOf } from '../../master/identity/caller.ts'
import { type Identity, openIdentity } from '../../master/identity/identity.ts'
import { createControlServer } from '../../master/server/control-server.ts'
import { systemClock } from '../../shared/clock.ts'
import {
  type ControlClient,
  type ControlClientOptions,
  createControlClient,
} from '../../shared/control-client.ts'
import { formatToken } from '../../shared/token.ts'

export let directory = ''

export let identity: Identity

const cleanups: (() => Promise<void> | void)[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'client-'))
  identity = await openIdentity(directory, systemClock)
})

afterAll(() => rm(directory, { recursive: true, force: true }))

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

export type Listener = (request: IncomingMessage, response: ServerResponse) => void

export const anything = z.unknown()

export const get = { method: 'GET', path: '/', schema: anything } as const

export const post = { method: 'POST', path: '/', body: { a: 1 }, schema: anything } as const

export function client(options: ControlClientOptions): ControlClient {
  const created = createControlClient({ deadlineMs: 10_000, ...options })
  cleanups.push(() => created.close())
  return created
}

export async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, host)
  await once(server, 'listening')
  cleanups.push(async () => {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

export async function plain(listener: Listener): Promise<string> {
  return `http://127.0.0.1:${await listening(createHttp(listener))}`
}

export async function secure(of: Identity, listener: Listener = tellCaller(of)): Promise<string> {
  const server = await createControlServer({
    listener,
    hosts: ['127.0.0.1'],
    port: 0,
    tls: await of.issueServerTls(),
    insecure: false,
  })
  cleanups.push(() => server.close(0))
  return `https://127.0.0.1:${server.port}`
}

function tellCaller(of: Identity): Listener {
  const callerOf = createCallerOf({
    tokens: of.tokens,
    insecure: false,
    isRevoked: () => false,
    nowMs: () => systemClock.nowMs(),
  })
  return (request, response) => answer(response, callerOf(request))
}

export function answer(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

/** A port on which nobody listens. */
export async function deadUrl(): Promise<string> {
  const server = createTcp()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

export const token = (): string => formatToken(identity.tokens.join)
