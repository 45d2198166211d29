import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createCallerOf } from '../../master/identity/caller.ts'
import { createControlServer } from '../../master/server/control-server.ts'
import { refuseUpgrade } from '../../master/server/plain-gate.ts'
import { systemClock } from '../../shared/clock.ts'
import { MasterUnreachable } from '../../shared/control-client.ts'
import { createCertificateRequest } from '../../shared/credential.ts'
import { RequestError } from '../../shared/errors.ts'
import { acceptSocket, type Message, type StreamSocket } from '../../shared/stream-socket.ts'
import { until } from '../support/until.ts'
import { client, deadUrl, identity, token } from './control-fixture.ts'

interface Master {
  readonly port: number
  readonly sockets: StreamSocket[]
  readonly paths: string[]
}

/** Accepts every WebSocket of whoever is somebody, and greets it by role. */
async function serve(refusal?: RequestError): Promise<Master> {
  const sockets: StreamSocket[] = []
  const paths: string[] = []
  const callerOf = createCallerOf({
    tokens: identity.tokens,
    insecure: false,
    isRevoked: () => false,
    nowMs: () => systemClock.nowMs(),
  })
  const server = await createControlServer({
    ...{ hosts: ['127.0.0.1'], port: 0, tls: await identity.issueServerTls(), insecure: false },
    listener: (_, response) => response.end(),
    upgrade: (request, socket, head) => {
      paths.push(request.url ?? '')
      if (refusal !== undefined) return refuseUpgrade(socket, refusal)
      const { role, subject } = callerOf(request)
      void acceptSocket(request, socket, head).then((opened) => {
        opened.send(`${role} ${subject ?? '-'}`)
        sockets.push(opened)
      })
    },
  })
  onTestFinished(() => server.close(0))
  return { port: server.port, sockets, paths }
}

/** The next messages of a socket. */
function heard(socket: StreamSocket): Message[] {
  const messages: Message[] = []
  const onMessage = (message: Message): void => {
    messages.push(typeof message === 'string' ? message : Buffer.from(message))
  }
  socket.listen({ onMessage, onDrain: () => undefined })
  onTestFinished(() => socket.close('the test ends'))
  return messages
}

test('connect() over plain loopback opens a socket that carries texts and bytes both ways', async () => {
  const { port, sockets, paths } = await serve()
  const near = await client({ masters: [`http://127.0.0.1:${port}`] }).connect('/v1/x?y=1')
  const greeting = heard(near)
  await until(() => greeting.length === 1)
  expect([greeting, paths]).toEqual([['admin -'], ['/v1/x?y=1']])
  const far = await until(() => sockets[0])
  const said = heard(far)
  near.send('text')
  near.send(Uint8Array.of(1, 2, 3))
  await until(() => said.length === 2)
  expect(said).toEqual(['text', Buffer.of(1, 2, 3)])
  far.close('enough')
  expect(await near.closed).toBe('enough')
})

test('connect() over TLS proves with its certificate which node it is', async () => {
  const { port } = await serve()
  const { key, request } = await createCertificateRequest()
  const whom = { role: 'node', subject: 'n1' } as const
  const certificate = await identity.issueClientCertificate(request, whom)
  const credential = { id: 'n1', secret: '', master: '', key, certificate, ca: identity.ca }
  const masters = [`https://127.0.0.1:${port}`]
  const greeting = heard(await client({ masters, credential }).connect('/'))
  await until(() => greeting.length === 1)
  expect(greeting).toEqual(['node n1'])
})

test('connect() over TLS shows its token, and to no master of another cluster', async () => {
  const { port } = await serve()
  const masters = [`https://127.0.0.1:${port}`]
  const greeting = heard(await client({ masters, token: token() }).connect('/'))
  await until(() => greeting.length === 1)
  expect(greeting).toEqual(['join -'])
  const other = token().replace(/^orc1\.[^.]+/, `orc1.${'A'.repeat(43)}`)
  const wrong = client({ masters, token: other }).connect('/')
  await expect(wrong).rejects.toMatchObject({ status: 403, code: 'WRONG_MASTER' })
})

test('connect() rejects with the refusal of the master', async () => {
  const { port } = await serve(new RequestError(409, 'CONFLICT', 'Cannot open it: it is open'))
  const refused = client({ masters: [`http://127.0.0.1:${port}`] }).connect('/')
  await expect(refused).rejects.toMatchObject({
    status: 409,
    code: 'CONFLICT',
    message: 'Cannot open it: it is open',
  })
})

test('connect() goes to the next master when the first is away or cannot serve', async () => {
  const { port } = await serve()
  const busy = await serve(new RequestError(503, 'SERVICE_UNAVAILABLE', 'Cannot: another leads'))
  const masters = [await deadUrl(), `http://127.0.0.1:${busy.port}`, `http://127.0.0.1:${port}`]
  const greeting = heard(await client({ masters }).connect('/'))
  await until(() => greeting.length === 1)
})

test('connect() says that nobody is there, or that nobody answers', async () => {
  const url = await deadUrl()
  const nobody = client({ masters: [url] }).connect('/')
  await expect(nobody).rejects.toThrow(
    `Cannot reach the master at ${url}: the connection was refused`,
  )
  const silent = createServer().on('upgrade', () => undefined)
  silent.listen(0, '127.0.0.1')
  await once(silent, 'listening')
  onTestFinished(() => {
    silent.closeAllConnections()
    silent.close()
  })
  const masters = [`http://127.0.0.1:${(silent.address() as AddressInfo).port}`]
  const late = client({ masters }).connect('/', { deadlineMs: 100 })
  await expect(late).rejects.toThrow(MasterUnreachable)
  const leaving = new AbortController()
  const called = client({ masters }).connect('/', { signal: leaving.signal })
  leaving.abort(new Error('called off'))
  await expect(called).rejects.toThrow('called off')
})

test('a socket keeps what comes until somebody listens, and tells when it takes more', async () => {
  const { port, sockets } = await serve()
  const near = await client({ masters: [`http://127.0.0.1:${port}`] }).connect('/')
  const far = await until(() => sockets[0])
  let drains = 0
  far.listen({
    onMessage: () => undefined,
    onDrain: () => {
      drains += 1
    },
  })
  let sent = 0
  // Nobody listens at the other end: the system's buffers fill, then ours.
  for (; far.isWritable && sent < 1_000; sent += 1) {
    far.send(new Uint8Array(100_000))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(far.isWritable).toBe(false)
  const before = drains
  const messages = heard(near)
  await until(() => messages.length === sent + 1)
  expect(messages[0]).toBe('admin -')
  expect([far.isWritable, drains > before]).toEqual([true, true])
})

test('a socket takes no message that is larger than any frame', async () => {
  const { port, sockets } = await serve()
  const near = await client({ masters: [`http://127.0.0.1:${port}`] }).connect('/')
  heard(near)
  const far = await until(() => sockets[0])
  heard(far)
  far.send(new Uint8Array(200_000))
  expect(await near.closed).toBe('the connection was cut')
})
