import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import {
  closeAll,
  deadPort,
  echoUpstream,
  get,
  RawClient,
  rawUpstream,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

/** Answers what it was asked on a connection, byte by byte, and ends it. */
async function recordingUpstream(heard: string[]): Promise<number> {
  return rawUpstream((socket) => {
    const at = heard.push('') - 1
    socket.on('data', (bytes) => {
      heard[at] += String(bytes)
    })
  })
}

describe.each(['http1', 'http-proxy'] as const)('the engine %s', (engine) => {
  test.each([
    { count: 200, status: 200 },
    { count: 201, status: 431 },
  ])('answers $status to a request with $count headers', async ({ count, status }) => {
    const { port } = await startRig({ web: [await echoUpstream()] }, {}, { engine })
    const more = Array.from({ length: count - 2 }, (_, at) => `X-${at}: 1`)
    const client = new RawClient(port, get('/s/web', ...more, 'Connection: close'))
    expect(await client.all()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
  })

  test.each(['DELETE', 'OPTIONS', 'POST', 'GET'])(
    'leaves nothing of a %s in chunks to be read as another request',
    async (method) => {
      const heard: string[] = []
      const { port } = await startRig({ web: [await recordingUpstream(heard)] }, {}, { engine })
      const inside = 'GET /admin HTTP/1.1\r\nHost: t\r\n\r\n'
      const head = `${method} /s/web HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n`
      new RawClient(port, `${head}${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`)
      await until(() => heard[0]?.endsWith('0\r\n\r\n'))
      const [asked = '', body] = heard[0]?.split(/\r\n\r\n(.*)/s) ?? []
      expect(asked.toLowerCase()).toContain('\r\ntransfer-encoding: chunked')
      expect(asked.toLowerCase()).not.toContain('content-length')
      expect(body).toBe(`${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`)
    },
  )

  test.each([
    '/a//b///c',
    '/http://other.test/x',
    "/{a}|'b'^`c`",
    '/%2e%2e/%00?',
    '/a?b=//c??d',
    '/..;/x',
    '/\\x',
  ])('passes the target %s on as it came', async (target) => {
    const { port } = await startRig({ web: [await echoUpstream()] }, {}, { engine })
    const client = new RawClient(port, get(`/s/web${target}`, 'Connection: close'))
    const [, json = ''] = await client.receives(/(\{"method".*\})/)
    expect(JSON.parse(json)).toMatchObject({ url: target })
  })

  test('keeps the body whole when the first replica does not accept connections', async () => {
    const services = { web: [await deadPort(), await echoUpstream()] }
    const { url } = await startRig(services, {}, { engine })
    const body = 'x'.repeat(300_000)
    for (let round = 0; round < 4; round += 1) {
      const answer = await fetch(`${url}/s/web`, { method: 'POST', body })
      expect(await answer.json()).toMatchObject({ body })
    }
  })

  test('asks pipelined requests one after the other, in their order', async () => {
    const asked: string[] = []
    const waiting: (() => void)[] = []
    const port = await upstream((request, response) => {
      asked.push(`${request.method} ${request.url}`)
      waiting.push(() => response.end())
    })
    const { port: proxyPort } = await startRig({ web: [port] }, {}, { engine })
    const empty = 'Host: t\r\nContent-Length: 0\r\n\r\n'
    new RawClient(proxyPort, `POST /s/web/1 HTTP/1.1\r\n${empty}PUT /s/web/2 HTTP/1.1\r\n${empty}`)
    await until(() => waiting.length === 1)
    expect(asked).toEqual(['POST /1'])
    waiting[0]?.()
    await until(() => waiting.length === 2)
    expect(asked).toEqual(['POST /1', 'PUT /2'])
  })

  test('keeps its connection to a replica for the next request', async () => {
    const heard: string[] = []
    const port = await rawUpstream((socket) => {
      const at = heard.push('') - 1
      socket.on('data', (bytes) => {
        heard[at] += String(bytes)
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      })
    })
    const { url } = await startRig({ web: [port] }, {}, { engine })
    for (let round = 0; round < 5; round += 1) await (await fetch(`${url}/s/web/${round}`)).text()
    expect(heard.map((text) => text.match(/GET \S+/g))).toEqual([
      ['GET /0', 'GET /1', 'GET /2', 'GET /3', 'GET /4'],
    ])
  })

  test('asks over a new connection when a kept one turns out to be closed: others may be', async () => {
    let asked = 0
    const port = await rawUpstream((socket) => {
      let requests = 0
      socket.on('data', () => {
        requests += 1
        asked += 1
        const answer = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
        if (requests > 1) socket.destroy()
        else void until(() => asked >= 3).then(() => socket.write(answer))
      })
    })
    const { url } = await startRig({ web: [port] }, { attemptsMax: 2 }, { engine })
    await Promise.all([1, 2, 3].map(() => fetch(`${url}/s/web`)))
    expect((await fetch(`${url}/s/web`)).status).toBe(200)
  })

  test('passes every header on where thousands are allowed, those that frame the body too', async () => {
    const heard: string[] = []
    const limits = { headersMax: 5_000, headerBytesMax: 100_000 }
    const { port } = await startRig({ web: [await recordingUpstream(heard)] }, limits, { engine })
    const more = Array.from({ length: 2_500 }, (_, at) => `X-${at}: 1\r\n`).join('')
    const head = `POST /s/web HTTP/1.1\r\nHost: t\r\n${more}Content-Length: 4\r\n\r\n`
    new RawClient(port, `${head}body`)
    await until(() => heard[0]?.endsWith('\r\n\r\nbody'))
    expect(heard[0]?.match(/\r\nx-\d+: 1/gi)).toHaveLength(2_500)
    expect(heard[0]?.toLowerCase()).toContain('\r\ncontent-length: 4\r\n')
  })

  test('lets no upgrade overtake the requests before it', async () => {
    let release: () => void = () => undefined
    let asked = 0
    const port = await upstream((_request, response) => {
      asked += 1
      release = () => response.end('first')
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, {}, { engine })
    const upgrade = get('/s/web/2', 'Connection: Upgrade', 'Upgrade: websocket')
    const client = new RawClient(proxyPort, get('/s/web/1') + upgrade)
    await until(() => asked === 1 || client.closed)
    release()
    await until(() => client.closed || asked === 2)
    release()
    expect(await client.all()).toMatch(/^(HTTP\/1\.1 200 [\s\S]*)?$/)
    await until(() => traffic.inFlight.size === 0)
  })

  test('answers what came before broken bytes, and then says so', async () => {
    const { port } = await startRig({ web: [await echoUpstream()] }, {}, { engine })
    const text = await new RawClient(port, `${get('/s/web/1')}what?\r\n\r\n`).all()
    expect(text).toMatch(/^HTTP\/1\.1 200 [\s\S]*"\/1"[\s\S]*HTTP\/1\.1 400 /)
  })

  test('answers 400 to a broken body, and leaves the replica', async () => {
    const heard: string[] = []
    const { port, traffic } = await startRig(
      { web: [await recordingUpstream(heard)] },
      {},
      { engine },
    )
    const head = 'POST /s/web HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n'
    const client = new RawClient(port, `${head}2\r\nok\r\n`)
    await until(() => heard[0]?.includes('ok'))
    client.send('what?\r\n')
    expect(await client.all()).toMatch(/^HTTP\/1\.1 400 [\s\S]*X-Orchestrify-Reason: BAD_REQUEST/)
    await until(() => traffic.inFlight.size === 0)
  })

  test('answers 400 to a broken envelope', async () => {
    const { port } = await startRig({ web: [await echoUpstream()] }, {}, { engine })
    const head = 'POST /proxy HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n'
    expect(await new RawClient(port, `${head}2\r\n{}what?`).all()).toMatch(/^HTTP\/1\.1 400 /)
  })

  test.each([
    {
      what: 'a head',
      bytes: 'GET /s/web HTTP/1.1\r\nHost: t\r\nX-Half',
      limit: 'headersTimeoutMs',
    },
    {
      what: 'a body',
      bytes: 'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf',
      limit: 'bodyIdleMs',
    },
    {
      what: 'an envelope',
      bytes: 'POST /proxy HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\n{',
      limit: 'bodyIdleMs',
    },
  ])('answers 408 to $what that does not come', async ({ bytes, limit }) => {
    const port = await upstream((_request, response) => void response)
    const { port: proxyPort, traffic } = await startRig(
      { web: [port] },
      { [limit]: 100 },
      { engine },
    )
    expect(await new RawClient(proxyPort, bytes).all()).toMatch(/^HTTP\/1\.1 408 /)
    await until(() => traffic.inFlight.size === 0)
  })

  test.each([
    {
      what: 'send its body',
      bytes: 'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nhalf',
    },
    { what: 'read its answer', bytes: get('/s/web/large') },
  ])('keeps no permit for a client that does not $what', async ({ bytes }) => {
    const port = await upstream((request, response) => {
      request.resume()
      const body = request.url === '/large' ? Buffer.alloc(50_000_000) : 'fine'
      request.once('end', () => response.end(body))
    })
    const flags = ['--permits-start', '1']
    const { port: proxyPort, url, traffic } = await startRig({ web: [port] }, {}, { engine, flags })
    const slow = new RawClient(proxyPort, bytes)
    slow.socket.pause()
    await until(() => traffic.inFlight.size === 1)
    expect(await (await fetch(`${url}/s/web`)).text()).toBe('fine')
    slow.socket.destroy()
    await until(() => traffic.inFlight.size === 0)
  })

  test('answers 503 to more requests than may be under way', async () => {
    let asked = 0
    const port = await upstream(() => {
      asked += 1
    })
    const { port: proxyPort } = await startRig({ web: [port] }, { requestsMax: 1 }, { engine })
    new RawClient(proxyPort, get('/s/web'))
    await until(() => asked === 1)
    const text = await new RawClient(proxyPort, get('/s/web', 'Connection: close')).all()
    expect(text).toMatch(/^HTTP\/1\.1 503 [\s\S]*X-Orchestrify-Reason: TOO_MANY_REQUESTS/)
  })

  test('opens no more connections to a replica than it may', async () => {
    let asked = 0
    const port = await upstream(() => {
      asked += 1
    })
    const limits = { upstreamConnectionsMax: 1, attemptsMax: 1 }
    const { port: proxyPort, url } = await startRig({ web: [port] }, limits, { engine })
    new RawClient(proxyPort, get('/s/web'))
    await until(() => asked === 1)
    const answer = await fetch(`${url}/s/web`)
    expect([answer.status, answer.headers.get('x-orchestrify-reason')]).toEqual([
      502,
      'CONNECT_FAILED',
    ])
  })

  test('answers 504 to a request that takes longer than any may', async () => {
    const port = await upstream(() => undefined)
    const { url, traffic } = await startRig({ web: [port] }, { totalTimeoutMs: 50 }, { engine })
    expect((await fetch(`${url}/s/web`)).status).toBe(504)
    await until(() => traffic.inFlight.size === 0)
  })
})
