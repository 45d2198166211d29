import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { type IncomingMessage, request as httpRequest, type ServerResponse } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect, type Socket } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  type ControlServer,
  type ControlServerOptions,
  createControlServer,
} from '../../master/control-server.ts'
import { createCallerOf } from '../../master/identity/caller.ts'
import { type Identity, openIdentity } from '../../master/identity/identity.ts'
import { issueServerTls, keepServerTlsFresh } from '../../master/identity/server-tls.ts'
import { createPlainGate } from '../../master/plain-gate.ts'
import { systemClock } from '../../shared/clock.ts'
import { createCertificateRequest } from '../../shared/credential.ts'
import { MASTER_NAME } from '../../shared/tls-pin.ts'
import { formatToken } from '../../shared/token.ts'
import { createAuthority, issue, provenPublicKey } from '../../shared/x509.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { until } from '../support/until.ts'

const DAY_MS = 86_400_000
let directory = ''
let identity: Identity
const revoked = new Set<string>()
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

async function serve(options: Partial<ControlServerOptions> = {}): Promise<ControlServer> {
  const server = await createControlServer({
    listener: tellCaller(options.insecure ?? false),
    host: '127.0.0.1',
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
    response.end(JSON.stringify(callerOf(request)))
  }
}

interface Asked {
  readonly host?: string
  readonly tls?: ConnectionOptions
  readonly headers?: Readonly<Record<string, string>>
}

async function ask(port: number, asked: Asked = {}): Promise<{ status: number; text: string }> {
  const options = { host: asked.host ?? '127.0.0.1', port, headers: asked.headers ?? {}, agent: false }
  const request =
    asked.tls === undefined ? httpRequest(options) : httpsRequest({ ...options, ...asked.tls })
  request.end()
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }
}

async function callerOf(port: number, asked: Asked = {}): Promise<unknown> {
  return JSON.parse((await ask(port, asked)).text)
}

function trusting(): ConnectionOptions {
  return { ca: identity.ca, servername: MASTER_NAME }
}

async function member(role: 'node' | 'proxy', subject: string): Promise<ConnectionOptions> {
  const { key, request } = await createCertificateRequest()
  const cert = await identity.issueClientCertificate(request, { role, subject })
  return { ...trusting(), key, cert }
}

function bearer(token: string): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

async function dial(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function received(socket: Socket | TLSSocket): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  return Buffer.concat(chunks).toString('latin1')
}

test('createControlServer() serves plain HTTP and TLS on one port, loopback being the admin', async () => {
  const { port } = await serve()
  expect(await callerOf(port)).toEqual({ address: '127.0.0.1', role: 'admin' })
  expect(await callerOf(port, { tls: trusting() })).toEqual({ address: '127.0.0.1', role: 'none' })
})

test('createCallerOf() knows a node and a proxy by their certificates', async () => {
  const { port } = await serve()
  for (const role of ['node', 'proxy'] as const) {
    const tls = await member(role, `${role}-1`)
    const caller = await callerOf(port, { tls })
    expect(caller).toEqual({ address: '127.0.0.1', role, subject: `${role}-1` })
  }
})

test('createCallerOf() knows tokens over TLS, and nobody by a wrong one', async () => {
  const { port } = await serve()
  const admin = formatToken(identity.tokens.admin)
  const join = formatToken(identity.tokens.join)
  const rows: readonly (readonly [string, ConnectionOptions | undefined, string])[] = [
    [admin, trusting(), 'admin'],
    [join, trusting(), 'join'],
    [admin.slice(0, -1), trusting(), 'none'],
    [`${join}x`, trusting(), 'none'],
    ['', trusting(), 'none'],
    [admin, undefined, 'admin'],
    [join, undefined, 'admin'],
    ['wrong', undefined, 'none'],
  ]
  for (const [token, tls, role] of rows) {
    const asked = { headers: bearer(token), ...(tls === undefined ? {} : { tls }) }
    expect(await callerOf(port, asked)).toMatchObject({ role })
  }
})

test('createCallerOf() refuses a removed node at its next request', async () => {
  const { port } = await serve()
  const tls = await member('node', 'n9')
  expect(await callerOf(port, { tls })).toMatchObject({ role: 'node' })
  revoked.add('n9')
  expect(await callerOf(port, { tls })).toEqual({ address: '127.0.0.1', role: 'none' })
})

test('createCallerOf() takes nobody for a member by a foreign, expired or misused certificate', async () => {
  const { port } = await serve()
  const nowMs = systemClock.nowMs()
  const foreign = await createAuthority('orchestrify CA', { fromMs: nowMs - DAY_MS, untilMs: nowMs + DAY_MS })
  const { key, request } = await createCertificateRequest()
  const publicKey = (await provenPublicKey(request)) ?? ''
  const text = { name: 'n1', unit: 'node', use: 'client', publicKey } as const
  const validity = { fromMs: nowMs - DAY_MS, untilMs: nowMs + DAY_MS }
  const own = { key: await readAuthorityKey(), certificate: identity.ca }
  const certificates = [
    await issue(foreign, { ...text, validity }),
    await issue(own, { ...text, validity: { fromMs: nowMs - 2 * DAY_MS, untilMs: nowMs - DAY_MS } }),
    await issue(own, { ...text, validity: { fromMs: nowMs + DAY_MS, untilMs: nowMs + 2 * DAY_MS } }),
    await issue(own, { ...text, unit: 'master', validity }),
    await issue(own, { ...text, use: 'server', validity }),
  ]
  for (const cert of certificates) {
    const caller = await callerOf(port, { tls: { ...trusting(), key, cert } })
    expect(caller).toEqual({ address: '127.0.0.1', role: 'none' })
  }
  const good = await issue(own, { ...text, validity })
  expect(await callerOf(port, { tls: { ...trusting(), key, cert: good } })).toMatchObject({ role: 'node' })
})

async function readAuthorityKey(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  return readFile(join(directory, 'identity', 'ca.key'), 'utf8')
}

function ownAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.find(({ family, internal }) => family === 'IPv4' && !internal)?.address
}

function plainRequest(remoteAddress: string, headers: Readonly<Record<string, string>> = {}) {
  return { socket: { remoteAddress }, headers } as unknown as IncomingMessage
}

test('createPlainGate() asks another machine for TLS, and says no secret', () => {
  for (const address of ['10.0.0.5', '::ffff:10.0.0.5', 'fe80::1', '128.0.0.1', '']) {
    const refusal = createPlainGate(false)(plainRequest(address))
    expect(refusal).toMatchObject({ status: 426, code: 'TLS_REQUIRED' })
    expect(createPlainGate(true)(plainRequest(address))).toBeUndefined()
  }
  for (const address of ['127.0.0.1', '127.3.2.1', '::1', '::ffff:127.0.0.1']) {
    expect(createPlainGate(false)(plainRequest(address))).toBeUndefined()
  }
})

// Where the machine has no other address than loopback, the test above shows the same rule.
const far = ownAddress()
test.runIf(far !== undefined)('createControlServer() answers 426 to plain HTTP from elsewhere', async () => {
  const host = far ?? ''
  const { port } = await serve({ host: '0.0.0.0', upgrade: (_, socket) => socket.destroy() })
  const { status, text } = await ask(port, { host })
  expect(status).toBe(426)
  expect(JSON.parse(text).error.message).toContain('run "orchestrify token" on the master')
  for (const { secret, fingerprint } of Object.values(identity.tokens)) {
    expect(text).not.toContain(secret)
    expect(text).not.toContain(fingerprint)
  }
  const upgraded = await ask(port, { host, headers: { connection: 'upgrade', upgrade: 'websocket' } })
  expect(upgraded.status).toBe(426)
  expect(await callerOf(port, { host, tls: trusting() })).toMatchObject({ role: 'none' })
  const open = await serve({ host: '0.0.0.0', insecure: true })
  expect(await callerOf(open.port, { host })).toMatchObject({ role: 'admin' })
})

test.each([
  { host: 'evil.example:80', origin: undefined, status: 403 },
  { host: 'localhost.evil.example', origin: undefined, status: 403 },
  { host: 'localhost:1', origin: undefined, status: 200 },
  { host: '127.0.0.1', origin: 'http://evil.example', status: 403 },
  { host: '127.0.0.1', origin: 'null', status: 403 },
  { host: '127.0.0.1:5', origin: 'http://127.0.0.1:6', status: 403 },
  { host: '127.0.0.1:5', origin: 'https://127.0.0.1:5', status: 403 },
  { host: '127.0.0.1:5', origin: 'http://127.0.0.1:5', status: 200 },
  { host: '[::1]:5', origin: 'http://[::1]:5', status: 200 },
])('createControlServer() answers $status to host $host, origin $origin', async (row) => {
  const { port } = await serve()
  const headers = { host: row.host, ...(row.origin === undefined ? {} : { origin: row.origin }) }
  expect((await ask(port, { headers })).status).toBe(row.status)
})

test('createControlServer() says that the port is in use', async () => {
  const { port } = await serve()
  await expect(serve({ port })).rejects.toMatchObject({
    message: `Cannot listen on 127.0.0.1:${port}: the port is in use`,
  })
})

test('createControlServer() reads a TLS handshake and a plain request byte by byte', async () => {
  const { port } = await serve()
  const secure = connectTls({ ...trusting(), socket: await trickling(port) })
  await once(secure, 'secureConnect')
  secure.end('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  expect(await received(secure)).toContain('"role":"none"')
  const plain = await dial(port)
  for (const byte of 'GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n') {
    plain.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(await received(plain)).toContain('"role":"admin"')
})

/** A connection whose writes leave one byte at a time. */
async function trickling(port: number): Promise<Socket> {
  const { Duplex } = await import('node:stream')
  const inner = await dial(port)
  inner.setNoDelay(true)
  const outer = new Duplex({
    read: () => inner.resume(),
    write: async (chunk: Buffer, _, done) => {
      for (const byte of chunk.subarray(0, 300)) {
        inner.write(Buffer.of(byte))
        await new Promise((resolve) => setImmediate(resolve))
      }
      inner.write(chunk.subarray(300))
      done()
    },
    final: (done) => inner.end(done),
    destroy: (error, done) => {
      inner.destroy()
      done(error)
    },
  })
  inner.on('data', (chunk) => outer.push(chunk))
  inner.on('end', () => outer.push(null))
  return outer as unknown as Socket
}

test('createControlServer() outlives garbage', async () => {
  const { port } = await serve()
  const garbage = [
    Buffer.of(0x16),
    Buffer.of(0x16, 3, 1, 0xff, 0xff, ...Array(600).fill(0)),
    Buffer.of(0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0),
    Buffer.alloc(70_000, 0x41),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from('CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n'),
    Buffer.from('GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n'),
    Buffer.from('POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
    Buffer.from(`GET / HTTP/1.1\r\nhost: 127.0.0.1\r\nx: ${'y'.repeat(30_000)}\r\n\r\n`),
    Buffer.from('\0\0\0\0'),
    Buffer.alloc(0),
  ]
  for (const bytes of garbage) {
    for (const end of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
      const socket = await dial(port)
      socket.write(bytes)
      socket.resume()
      end(socket)
      await until(() => socket.closed)
    }
  }
  expect((await ask(port)).status).toBe(200)
  expect((await ask(port, { tls: trusting() })).status).toBe(200)
})

test.each([
  { what: 'nothing', bytes: '' },
  { what: 'half a head', bytes: 'GET / HTTP/1.1\r\nhost: 127.0' },
  { what: 'half a body', bytes: 'POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\nx' },
  { what: 'half a TLS record', bytes: '\x16\x03\x01' },
])('createControlServer() closes a connection that says $what', async ({ bytes }) => {
  const limits = { peekMs: 100, headersMs: 100, requestMs: 200, checkEveryMs: 20 }
  const { port } = await serve({ limits, listener: (request) => request.resume() })
  const socket = await dial(port)
  socket.write(bytes, 'latin1')
  socket.resume()
  await until(() => socket.closed)
})

test('createControlServer() closes a slow head and a slow body within TLS, too', async () => {
  const limits = { headersMs: 100, requestMs: 200, checkEveryMs: 20 }
  const { port } = await serve({ limits, listener: (request) => request.resume() })
  for (const bytes of ['GET / HT', 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nx']) {
    const socket = connectTls({ ...trusting(), port, host: '127.0.0.1' })
    await once(socket, 'secureConnect')
    socket.on('error', () => socket.destroy())
    socket.write(bytes)
    socket.resume()
    await until(() => socket.closed)
  }
})

test('createControlServer() lets a long poll wait longer than a request may take', async () => {
  const waiting: ServerResponse[] = []
  const limits = { headersMs: 50, requestMs: 60, checkEveryMs: 10 }
  const { port } = await serve({ limits, listener: (_, response) => waiting.push(response) })
  const answer = ask(port)
  const slow = await dial(port)
  slow.resume()
  slow.write('GET / HT')
  await until(() => waiting.length === 1)
  // By then the time-outs have been enforced on another connection.
  await until(() => slow.closed)
  waiting[0]?.end('late')
  expect(await answer).toEqual({ status: 200, text: 'late' })
})

test('createControlServer() answers while 1,000 connections say nothing', async () => {
  const { port } = await serve()
  const idle = await Promise.all(Array.from({ length: 1_000 }, () => dial(port)))
  expect((await ask(port)).status).toBe(200)
  expect((await ask(port, { tls: trusting() })).status).toBe(200)
  for (const socket of idle) socket.destroy()
})

test('createControlServer() takes no more connections than its limit', async () => {
  const { port } = await serve({ limits: { connectionsMax: 2 } })
  const sockets = [await dial(port), await dial(port)]
  const third = await dial(port)
  third.resume()
  await until(() => third.closed)
  for (const socket of sockets) socket.destroy()
})

test('close() ends idle connections at once and lets a request finish', async () => {
  const waiting: ServerResponse[] = []
  const { port, close } = await serve({ listener: (_, response) => waiting.push(response) })
  const silent = await dial(port)
  silent.resume()
  const answer = ask(port)
  await until(() => waiting.length === 1)
  const closed = close(60_000)
  await until(() => silent.closed)
  waiting[0]?.end('done')
  expect((await answer).text).toBe('done')
  await closed
  await expect(ask(port)).rejects.toThrow('ECONNREFUSED')
})

test('close() cuts what is left when the grace has ended', async () => {
  const waiting: ServerResponse[] = []
  const { port, close } = await serve({ listener: (_, response) => waiting.push(response) })
  const answers = [ask(port), ask(port, { tls: trusting() })].map((answer) =>
    answer.catch((error: unknown) => String(error)),
  )
  await until(() => waiting.length === 2)
  await close(20)
  for (const answer of answers) expect(await answer).toContain('socket hang up')
})

test('updateTls() shows the new certificate to new connections', async () => {
  const server = await serve()
  const before = await serialOf(server.port)
  expect(await serialOf(server.port)).toBe(before)
  server.updateTls(await identity.issueServerTls())
  expect(await serialOf(server.port)).not.toBe(before)
  expect(await callerOf(server.port, { tls: await member('node', 'n2') })).toMatchObject({ role: 'node' })
})

async function serialOf(port: number): Promise<string> {
  const socket = connectTls({ ...trusting(), port, host: '127.0.0.1' })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

test('keepServerTlsFresh() renews when a third of the life is left, again and again', async () => {
  const clock = new FakeClock(Date.UTC(2026, 0, 1))
  const authority = { key: await readAuthorityKey(), certificate: identity.ca }
  const applied: number[] = []
  const ended = new AbortController()
  const done = keepServerTlsFresh(
    {
      current: await issueServerTls(authority, clock.nowMs()),
      issue: () => issueServerTls(authority, clock.nowMs()),
      apply: () => applied.push(clock.nowMs()),
      clock,
    },
    ended.signal,
  )
  await until(() => clock.sleeping === 1)
  await clock.advance(59 * DAY_MS)
  expect(applied).toHaveLength(0)
  for (const times of [1, 2]) {
    await clock.advance(2 * DAY_MS)
    await until(() => applied.length === times && clock.sleeping === 1)
    await clock.advance(58.5 * DAY_MS)
    expect(applied).toHaveLength(times)
  }
  ended.abort()
  await done
})
