import { once } from 'node:events'
import { createServer as createHttpServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import type { Probe } from '../../shared/model.ts'
import type { Outcome } from '../../worker/decide/health.ts'
import type { ExecResult } from '../../worker/drivers/driver.ts'
import { probe } from '../../worker/health.ts'

const NEVER = new AbortController().signal

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function serve(listener: RequestListener): Promise<number> {
  const server = createHttpServer(listener)
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return listen(server)
}

async function serveBytes(answer: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    answer(socket)
  })
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return listen(server)
}

function ask(how: Probe, port: number, timeoutMs = 20_000): Promise<Outcome> {
  const exec = (): Promise<ExecResult> => Promise.reject(new Error('not asked for'))
  return probe(how, { replica: 'r1', host: '127.0.0.1', port, driver: { exec } }, timeoutMs, NEVER)
}

const HTTP: Probe = { kind: 'http', path: '/health' }

test.each([200, 204, 301, 302, 399])('probe() takes HTTP status %d for well', async (status) => {
  const port = await serve((_request, response) => response.writeHead(status).end())
  expect(await ask(HTTP, port)).toEqual({ kind: 'passed' })
})

test.each([400, 404, 500, 503])('probe() takes HTTP status %d for ill', async (status) => {
  const port = await serve((_request, response) => response.writeHead(status).end())
  const reason = `GET /health answered ${status}`
  expect(await ask(HTTP, port)).toEqual({ kind: 'failed', reason })
})

test('probe() asks for the path and never follows a redirect', async () => {
  const asked: (string | undefined)[] = []
  const port = await serve((request, response) => {
    asked.push(request.url)
    response.writeHead(302, { location: '/elsewhere' }).end()
  })
  await ask({ kind: 'http', path: '/well?deep=1' }, port)
  expect(asked).toEqual(['/well?deep=1'])
})

test('probe() does not wait for the body', async () => {
  const port = await serve((_request, response) => {
    response.writeHead(200)
    response.write('a beginning without an end')
  })
  expect(await ask(HTTP, port)).toEqual({ kind: 'passed' })
})

test('probe() gives up on a server that never answers', async () => {
  const port = await serveBytes(() => undefined)
  const reason = 'no answer within 100 ms'
  expect(await ask(HTTP, port, 100)).toEqual({ kind: 'failed', reason })
})

test('probe() gives up on a head that drips in for ever', async () => {
  const port = await serveBytes((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const drip = setInterval(() => socket.write('X: y\r\n'), 10)
    socket.on('close', () => clearInterval(drip))
  })
  expect(await ask(HTTP, port, 200)).toMatchObject({ kind: 'failed' })
})

const odd = [
  { what: 'a head without bounds', bytes: `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(10_000)}\r\n\r\n` },
  { what: 'no HTTP at all', bytes: 'SSH-2.0-OpenSSH\r\n' },
  { what: 'an upgrade', bytes: 'HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n' },
]
test.each(odd)('probe() takes $what for ill', async ({ bytes }) => {
  const port = await serveBytes((socket) => socket.end(bytes))
  expect(await ask(HTTP, port)).toMatchObject({ kind: 'failed' })
})

test('probe() by TCP needs a listener and nothing else', async () => {
  const port = await serveBytes(() => undefined)
  expect(await ask({ kind: 'tcp' }, port)).toEqual({ kind: 'passed' })
})

test.each([HTTP, { kind: 'tcp' } as const])(
  'probe() by $kind fails where nobody listens',
  async (how) => {
    const server = createServer()
    const port = await listen(server)
    server.close()
    await once(server, 'close')
    expect(await ask(how, port)).toMatchObject({
      reason: expect.stringContaining('ECONNREFUSED'),
    })
  },
)

const runs = [
  { result: { code: 0, output: '' }, outcome: { kind: 'passed' } },
  {
    result: { code: 2, output: 'no database\nat line 7' },
    outcome: { kind: 'failed', reason: 'check exited with code 2: no database' },
  },
]
test.each(runs)('probe() by command answers $outcome.kind for $result.code', async (row) => {
  const exec = (): Promise<ExecResult> => Promise.resolve(row.result)
  const target = { replica: 'r1', host: '127.0.0.1', port: 1, driver: { exec } }
  const how = { kind: 'command', command: ['check', '--all'] } as const
  expect(await probe(how, target, 1_000, NEVER)).toEqual(row.outcome)
})

test('probe() of nothing is always well', async () => {
  expect(await ask({ kind: 'none' }, 1)).toEqual({ kind: 'passed' })
})
