import { afterEach, describe, expect, test } from 'vitest'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { closeAll, get, RawClient, rawUpstream, startRig, upstream } from '../support/rig.ts'

afterEach(closeAll)

/** Answers the first request of each connection with these bytes. */
function answering(bytes: string): Promise<number> {
  return rawUpstream((socket) => {
    socket.once('data', () => socket.end(bytes, 'latin1'))
  })
}

describe.each(['http1', 'http-proxy'] as const)('the engine %s', (engine) => {
  test.each([
    { what: 'a status below any', bytes: 'HTTP/1.1 000 Nothing\r\nContent-Length: 0\r\n\r\n' },
    { what: 'control characters', bytes: 'HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n' },
    {
      what: 'a coding that nobody undoes',
      bytes: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
    },
    {
      what: 'more headers than may be',
      bytes: `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(201)}Content-Length: 0\r\n\r\n`,
    },
    {
      what: 'a switch that nobody asked for',
      bytes: 'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    },
  ])('answers 502 when a replica answers with $what, and serves on', async ({ bytes }) => {
    const services = { odd: [await answering(bytes)], web: [await fine()] }
    const { url, traffic } = await startRig(services, {}, { engine })
    expect((await fetch(`${url}/s/odd`)).status).toBe(502)
    expect(await (await fetch(`${url}/s/web`)).text()).toBe('fine')
    expect(traffic.inFlight.size).toBe(0)
  })

  test('passes every line of a header on, and what is beyond ASCII as it came', async () => {
    const lines = 'Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nETag: "x"\r\nX-A: \xe9\xff\r\n'
    const port = await answering(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`)
    const { port: proxyPort } = await startRig({ web: [port] }, {}, { engine })
    const text = await new RawClient(proxyPort, get('/s/web', 'Connection: close')).all()
    for (const line of lines.split('\r\n')) expect(text).toContain(line)
  })

  test('strips headers of one connection from an answer, also those that Connection names', async () => {
    const lines = 'Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Kept: 1\r\n'
    const port = await answering(`HTTP/1.1 200 OK\r\n${lines}Content-Length: 0\r\n\r\n`)
    const { url } = await startRig({ web: [port] }, {}, { engine })
    const { headers } = await fetch(`${url}/s/web`)
    expect(headers.get('x-kept')).toBe('1')
    expect(headers.has('x-hop')).toBe(false)
    expect(headers.get('keep-alive')).not.toBe('timeout=5')
  })

  test('closes for a client that wants it, whatever the replica says', async () => {
    const port = await upstream((_request, response) => {
      response.setHeader('connection', 'keep-alive')
      response.end('fine')
    })
    const { port: proxyPort } = await startRig({ web: [port] }, {}, { engine })
    const text = await new RawClient(proxyPort, get('/s/web', 'Connection: close')).all()
    expect(text).toMatch(/\r\nConnection: close\r\n[\s\S]*fine/)
  })

  test('gives one of HTTP/1.0 a body without chunks, and an end', async () => {
    const port = await upstream((_request, response) => {
      response.write('one ')
      response.end('two')
    })
    const { port: proxyPort } = await startRig({ web: [port] }, {}, { engine })
    const asks = 'GET /s/web HTTP/1.0\r\nHost: t\r\nConnection: keep-alive\r\n\r\n'
    const text = await new RawClient(proxyPort, asks).all()
    expect(text).toMatch(/\r\nConnection: close\r\n[\s\S]*\r\none two$/)
    expect(text.toLowerCase()).not.toContain('transfer-encoding')
  })

  test('ties a client to its replica by a cookie where the service is sticky', async () => {
    const rig = await startRig({}, {}, { engine })
    const ports = [await fine()]
    const balance = { policy: 'queue', sticky: 'cookie' } as const
    publish(rig.traffic, [fragmentOf('web', ports, { balance })])
    const first = await fetch(`${rig.url}/s/web`)
    const cookie = first.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect(cookie).toMatch(/^orchestrify-replica-web=web-\d+$/)
    const again = await fetch(`${rig.url}/s/web`, { headers: { cookie } })
    expect(again.headers.has('set-cookie')).toBe(false)
  })

  test('lets nobody wait for a body that cannot come', async () => {
    const none = await answering('HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n')
    const head = await answering('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    const { url, port } = await startRig({ none: [none], head: [head] }, {}, { engine })
    const text = await new RawClient(port, get('/s/none', 'Connection: close')).all()
    expect(text).toMatch(/^HTTP\/1\.1 204 /)
    expect(text.toLowerCase()).not.toContain('content-length')
    const body = JSON.stringify({ name: 'head', method: 'HEAD' })
    const answer = await fetch(`${url}/proxy`, { method: 'POST', body })
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })

  test('keeps no connection to a replica that speaks unasked', async () => {
    let isClosed = false
    const port = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine')
        socket.on('data', () => undefined)
        void until(() => isAnswered).then(() => socket.write('HTTP/1.1 '))
      })
      socket.once('close', () => {
        isClosed = true
      })
    })
    let isAnswered = false
    const { url } = await startRig({ web: [port] }, { upstreamIdleMs: 60_000 }, { engine })
    await (await fetch(`${url}/s/web`)).text()
    isAnswered = true
    await until(() => isClosed)
  })

  test('passes every header of an answer on where thousands are allowed', async () => {
    const more = Array.from({ length: 2_500 }, (_, at) => `X-${at}: 1\r\n`).join('')
    const port = await answering(`HTTP/1.1 200 OK\r\n${more}Content-Length: 0\r\n\r\n`)
    const limits = { headersMax: 5_000, headerBytesMax: 100_000 }
    const { port: proxyPort } = await startRig({ web: [port] }, limits, { engine })
    const text = await new RawClient(proxyPort, get('/s/web', 'Connection: close')).all()
    expect(text.match(/\r\nX-\d+: 1/g)).toHaveLength(2_500)
  })

  test('cuts an answer that stands still, and frees the replica', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(200, { 'content-length': 10 })
      response.write('half')
    })
    const { port: proxyPort, traffic } = await startRig(
      { web: [port] },
      { bodyIdleMs: 50 },
      { engine },
    )
    expect(await new RawClient(proxyPort, get('/s/web')).all()).toMatch(/half$/)
    await until(() => traffic.inFlight.size === 0)
    expect(traffic.meter.cut(traffic.nowMs())[0]).toMatchObject({ errors: 1 })
  })

  test('cuts a client that does not read, and frees the replica', async () => {
    const port = await upstream((_request, response) => response.end(Buffer.alloc(50_000_000)))
    const limits = { bodyIdleMs: 200 }
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, limits, { engine })
    const client = new RawClient(proxyPort, get('/s/web'))
    await client.receives(/200 OK/)
    client.socket.pause()
    await until(() => traffic.inFlight.size === 0)
    expect(traffic.meter.cut(traffic.nowMs())[0]).toMatchObject({ arrivals: 1, errors: 0 })
  })

  test('frees a hundred replies whose clients left in the middle of them', async () => {
    let open = 0
    const port = await upstream((request, response) => {
      open += 1
      request.socket.once('close', () => {
        open -= 1
      })
      response.write('some')
    })
    const { port: proxyPort, traffic } = await startRig(
      { web: [port] },
      {},
      {
        engine,
        flags: ['--permits-start', '100'],
      },
    )
    const clients = Array.from({ length: 100 }, () => new RawClient(proxyPort, get('/s/web')))
    await until(() => clients.every(({ received }) => received.includes('some')))
    for (const { socket } of clients) socket.resetAndDestroy()
    await until(() => open === 0 && traffic.inFlight.size === 0)
    expect(traffic.meter.cut(traffic.nowMs())[0]).toMatchObject({ arrivals: 100 })
  })
})

function fine(): Promise<number> {
  return upstream((_request, response) => response.end('fine'))
}
