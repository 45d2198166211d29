import { createServer } from 'node:http'
import type { Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import {
  closeAll,
  deadPort,
  get,
  onEachTransport,
  opened,
  RawClient,
  rawUpstream,
  startRig,
  upstream,
} from './support/rig.ts'

afterEach(closeAll)

const ASK = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: k', 'X-Own: 1']
const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'

interface Echo {
  readonly port: number
  readonly sockets: Socket[]
  readonly heads: Record<string, unknown>[]
}

async function echoUpstream(): Promise<Echo> {
  const sockets: Socket[] = []
  const heads: Record<string, unknown>[] = []
  const server = createServer()
  server.on('upgrade', (request, socket: Socket) => {
    sockets.push(socket)
    heads.push({ url: request.url, ...request.headers })
    socket.write(`${SWITCH}Sec-WebSocket-Accept: yes\r\n\r\nhello `)
    socket.pipe(socket)
  })
  return { port: await opened(server), sockets, heads }
}

onEachTransport(() => {
  test('a WebSocket is joined after its 101, early bytes of both sides included', async () => {
    const echo = await echoUpstream()
    const { port, traffic } = await startRig({ web: [echo.port] })
    const client = new RawClient(port, `${get('/s/web/chat?room=1', ...ASK)}first `)
    await client.receives(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    client.send('second')
    await client.receives(/\r\n\r\nhello first second$/)
    expect(client.received).toContain('Sec-WebSocket-Accept: yes')
    expect(echo.heads[0]).toMatchObject({
      url: '/chat?room=1',
      'sec-websocket-key': 'k',
      'x-own': '1',
      'x-forwarded-for': '127.0.0.1',
      upgrade: 'websocket',
    })
    expect(traffic.inFlight.size).toBe(1)
  })

  test('a WebSocket counts as in flight to its end, but neither as a request nor as latency', async () => {
    const echo = await echoUpstream()
    const { port, traffic } = await startRig({ web: [echo.port] })
    const client = new RawClient(port, get('/s/web', ...ASK))
    await client.receives(/hello $/)
    client.socket.end()
    await until(() => traffic.inFlight.size === 0)
    expect(traffic.meter.cut(traffic.nowMs())[0]).toMatchObject({
      arrivals: 0,
      errors: 0,
      latency: { buckets: [] },
    })
  })

  test.each(['client', 'replica'])(
    'both connections end when the %s cuts its own',
    async (side) => {
      const echo = await echoUpstream()
      const { port, traffic } = await startRig({ web: [echo.port] })
      const client = new RawClient(port, get('/s/web', ...ASK))
      await client.receives(/hello $/)
      if (side === 'client') client.socket.resetAndDestroy()
      else echo.sockets[0]?.resetAndDestroy()
      await until(() => client.closed && echo.sockets[0]?.destroyed)
      await until(() => traffic.inFlight.size === 0)
    },
  )

  test('what a replica said before it ended a WebSocket still arrives', async () => {
    const port = await rawUpstream((socket) => {
      socket.once('data', () => socket.end(`${SWITCH}\r\n${'x'.repeat(200_000)}bye`))
    })
    const { port: proxyPort } = await startRig({ web: [port] })
    const text = await new RawClient(proxyPort, get('/s/web', ...ASK)).all()
    expect(text).toMatch(/x{200000}bye$/)
  })

  test('a refused upgrade is an ordinary answer, and opens no tunnel', async () => {
    let later = ''
    const port = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
        socket.on('data', (data) => {
          later += String(data)
        })
      })
    })
    const { port: proxyPort } = await startRig({ web: [port] })
    const client = new RawClient(proxyPort, get('/s/web', ...ASK))
    client.send('GET /admin HTTP/1.1\r\nHost: t\r\n\r\n')
    const text = await client.all()
    expect(text).toMatch(/^HTTP\/1\.1 403 Forbidden[\s\S]*no$/)
    expect(later).toBe('')
  })

  test('an upgrade is asked of another replica when one does not accept connections', async () => {
    const echo = await echoUpstream()
    const { port } = await startRig({ web: [await deadPort(), echo.port] })
    for (let round = 0; round < 4; round += 1) {
      await new RawClient(port, get('/s/web', ...ASK)).receives(/hello $/)
    }
  })

  test('an upgrade that nobody takes is answered', async () => {
    const { port } = await startRig({ web: [await deadPort()], none: [] })
    expect(await new RawClient(port, get('/s/web', ...ASK)).all()).toMatch(/^HTTP\/1\.1 502/)
    expect(await new RawClient(port, get('/s/none', ...ASK)).all()).toMatch(/^HTTP\/1\.1 503/)
    expect(await new RawClient(port, get('/nothing', ...ASK)).all()).toMatch(/^HTTP\/1\.1 404/)
  })

  test('an offer of another protocol is ignored', async () => {
    const port = await upstream((request, response) => {
      response.end(JSON.stringify(request.headers))
    })
    const { port: proxyPort } = await startRig({ web: [port] })
    const offer = ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAA']
    const client = new RawClient(proxyPort, get('/s/web', ...offer))
    await client.receives(/^HTTP\/1\.1 200[\s\S]*}$/)
    expect(client.received.toLowerCase()).not.toMatch(/h2c|http2-settings/)
  })

  test('a client that leaves while its upgrade is asked for takes the asking along', async () => {
    let closed = false
    let asked = false
    const port = await rawUpstream((socket) => {
      socket.on('data', () => {
        asked = true
      })
      socket.on('close', () => {
        closed = true
      })
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] })
    const client = new RawClient(proxyPort, get('/s/web', ...ASK))
    await until(() => asked)
    client.socket.resetAndDestroy()
    await until(() => closed && traffic.inFlight.size === 0)
  })

  test('an event stream arrives as it is sent, and is no latency', async () => {
    let say: (text: string) => void = () => undefined
    const port = await upstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.flushHeaders()
      say = (text) => response.write(text)
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, { totalTimeoutMs: 50 })
    const client = new RawClient(proxyPort, get('/s/web'))
    await client.receives(/text\/event-stream/)
    say('data: one\n\n')
    await client.receives(/data: one/)
    await until(() => traffic.totals.of('id-web', 'web').lasting === 1)
    client.socket.destroy()
    await until(() => traffic.inFlight.size === 0)
    expect(traffic.meter.cut(traffic.nowMs())[0]?.latency.buckets).toEqual([])
  })
})
