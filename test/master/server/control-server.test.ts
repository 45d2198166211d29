import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import {
  ask,
  callerOf,
  dial,
  identity,
  member,
  received,
  serve,
  trusting,
} from '../control-fixture.ts'

test('createControlServer() serves plain HTTP and TLS on one port, loopback being the admin', async () => {
  const { port } = await serve()
  expect(await callerOf(port)).toEqual({ address: '127.0.0.1', role: 'admin' })
  expect(await callerOf(port, { tls: trusting() })).toEqual({ address: '127.0.0.1', role: 'none' })
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
    for (const end of [
      (socket: Socket) => socket.end(),
      (socket: Socket) => socket.resetAndDestroy(),
    ]) {
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
  {
    what: 'half a body',
    bytes: 'POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\nx',
  },
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
  expect(await callerOf(server.port, { tls: await member('node', 'n2') })).toMatchObject({
    role: 'node',
  })
})

/** A connection whose writes leave one byte at a time. */
async function trickling(port: number): Promise<Socket> {
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

async function serialOf(port: number): Promise<string> {
  const socket = connectTls({ ...trusting(), port, host: '127.0.0.1' })
  await once(socket, 'secureConnect')
  const { serialNumber } = socket.getPeerCertificate()
  socket.destroy()
  return serialNumber
}

describe('createControlServer() and offers to upgrade', () => {
  test.each([
    { what: 'HTTP/2 in the clear', headers: { upgrade: 'h2c', connection: 'Upgrade' } },
    { what: 'several protocols', headers: { upgrade: 'TLS/1.3, h2c', connection: 'Upgrade' } },
  ])('answers a request that offers $what as any other, over TLS as well', async ({ headers }) => {
    const upgrade = () => expect.unreachable('nobody asked for that')
    const { port } = await serve({ upgrade })
    expect((await ask(port, { headers })).status).toBe(200)
    expect((await ask(port, { headers, tls: trusting() })).status).toBe(200)
    const evil = { ...headers, host: 'evil.example:80' }
    expect((await ask(port, { headers: evil })).status).toBe(403)
  })

  test('hands on what asks for a WebSocket, and what brings a body that cannot be read', async () => {
    const handed: (string | undefined)[] = []
    const { port } = await serve({
      upgrade: ({ headers }, socket) => {
        handed.push(headers.upgrade)
        socket.end('HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n')
      },
    })
    const connection = 'Upgrade'
    const body = { upgrade: 'h2c', connection, 'content-length': '2' }
    expect((await ask(port, { headers: { upgrade: 'WebSocket', connection } })).status).toBe(400)
    const socket = await dial(port)
    const lines = Object.entries(body).map(([name, value]) => `${name}: ${value}`)
    socket.write(`POST / HTTP/1.1\r\nhost: 127.0.0.1\r\n${lines.join('\r\n')}\r\n\r\n{}`)
    socket.resume()
    await until(() => socket.closed)
    expect(handed).toEqual(['WebSocket', 'h2c'])
  })
})
