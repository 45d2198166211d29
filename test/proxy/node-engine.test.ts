import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { until } from '../support/until.ts'
import {
  closeAll,
  deadPort,
  fragmentOf,
  get,
  publish,
  RawClient,
  rawUpstream,
  startRig,
  upstream,
} from './support/rig.ts'

afterEach(closeAll)

const echo = () =>
  upstream((request, response) => {
    const { method, url, headers, rawHeaders } = request
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      response.end(JSON.stringify({ method, url, headers, rawHeaders, body }))
    })
  })

test('the engine passes method, path, query and body on, and answers with what comes back', async () => {
  const { url } = await startRig({ web: [await echo()] })
  const answer = await fetch(`${url}/s/web/a/b?x=1&y=%20`, { method: 'PUT', body: 'hello' })
  expect(answer.status).toBe(200)
  expect(await answer.json()).toMatchObject({ method: 'PUT', url: '/a/b?x=1&y=%20', body: 'hello' })
})

test('the engine sets what it knows of the client and strips what the client claims', async () => {
  const { url, port } = await startRig({ web: [await echo()] })
  const claimed = { 'x-forwarded-for': '1.2.3.4', x_forwarded_for: '1.2.3.4', forwarded: 'for=1' }
  const answer = await fetch(`${url}/s/web`, { headers: { ...claimed, 'x-own': 'kept' } })
  const { headers } = (await answer.json()) as { headers: Record<string, string> }
  expect(headers).toMatchObject({
    host: `127.0.0.1:${port}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': `127.0.0.1:${port}`,
    'x-own': 'kept',
    via: '1.1 orchestrify',
  })
  expect(headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/)
  expect(headers).not.toHaveProperty('forwarded')
  expect(headers).not.toHaveProperty('x_forwarded_for')
  expect(answer.headers.get('via')).toBe('1.1 orchestrify')
})

test('the engine keeps a request id that the client gave', async () => {
  const { url } = await startRig({ web: [await echo()] })
  const answer = await fetch(`${url}/s/web`, { headers: { 'x-request-id': 'mine-1' } })
  const { headers } = (await answer.json()) as { headers: Record<string, string> }
  expect(headers['x-request-id']).toBe('mine-1')
})

test('the engine strips headers of one connection, also those that Connection names', async () => {
  const { port } = await startRig({ web: [await echo()] })
  const client = new RawClient(
    port,
    get('/s/web', 'Connection: close, X-Evil', 'X-Evil: 1', 'TE: trailers', 'Keep-Alive: 5'),
  )
  const text = (await client.all()).toLowerCase()
  expect(text).not.toContain('x-evil')
  expect(text).not.toContain('"te"')
  expect(text).not.toContain('"keep-alive":"5"')
})

test('the engine streams a large body both ways unchanged', async () => {
  const bytes = randomBytes(1_000_000)
  const rounds = 48
  const port = await upstream((request, response) => request.pipe(response))
  const { url } = await startRig({ web: [port] })
  const digest = createHash('sha256')
  const expected = createHash('sha256')
  let received = 0
  await new Promise<void>((resolve, reject) => {
    const sent = httpRequest(`${url}/s/web`, { method: 'POST' }, (answer) => {
      answer.on('data', (chunk: Buffer) => {
        received += chunk.length
        digest.update(chunk)
      })
      answer.on('end', resolve)
    })
    sent.on('error', reject)
    const push = (round: number): void => {
      if (round === rounds) return void sent.end()
      expected.update(bytes)
      if (sent.write(bytes)) setImmediate(push, round + 1)
      else sent.once('drain', () => push(round + 1))
    }
    push(0)
  })
  expect(received).toBe(bytes.length * rounds)
  expect(digest.digest('hex')).toBe(expected.digest('hex'))
})

test('the engine stops reading from a replica whose client does not read', async () => {
  const chunk = Buffer.alloc(65_536)
  let sent = 0
  const port = await upstream((_request, response) => {
    const push = (): void => {
      while (sent < 256_000_000) {
        sent += chunk.length
        if (!response.write(chunk)) return void response.once('drain', push)
      }
      response.end()
    }
    push()
  })
  const { port: proxyPort } = await startRig({ web: [port] })
  const client = new RawClient(proxyPort, get('/s/web'))
  await client.receives(/200 OK/)
  client.socket.pause()
  let last = -1
  await until(
    () => {
      const still = sent === last
      last = sent
      return still
    },
    { everyMs: 200 },
  )
  expect(sent).toBeLessThan(64_000_000)
})

test('the engine cancels the replica at once when the client leaves', async () => {
  let upstreamClosed = false
  let asked = false
  const port = await upstream((request) => {
    asked = true
    request.socket.on('close', () => {
      upstreamClosed = true
    })
  })
  const { port: proxyPort, traffic } = await startRig({ web: [port] })
  const client = new RawClient(proxyPort, get('/s/web'))
  await until(() => asked)
  client.socket.destroy()
  await until(() => upstreamClosed)
  await until(() => traffic.balancer.inFlight.size === 0)
  const [measured] = traffic.meter.cut(traffic.nowMs())
  expect(measured).toMatchObject({ arrivals: 1, errors: 0, latency: { buckets: [] } })
})

test.each([
  { how: 'of a known length', head: 'Content-Length: 100\r\n\r\n', body: 'only this' },
  { how: 'in chunks', head: 'Transfer-Encoding: chunked\r\n\r\n', body: '9\r\nonly this\r\n' },
])('the engine cuts the client when a replica dies within a body $how', async ({ head, body }) => {
  const port = await rawUpstream((socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\n${head}${body}`)
      setImmediate(() => socket.destroy())
    })
  })
  const { port: proxyPort, traffic } = await startRig({ web: [port] })
  const client = new RawClient(proxyPort, get('/s/web'))
  const text = await client.all()
  expect(text).not.toContain('\r\n0\r\n')
  await until(() => traffic.balancer.inFlight.size === 0)
  const [measured] = traffic.meter.cut(traffic.nowMs())
  expect(measured?.errors).toBe(1)
  expect(measured?.latency.sumMs).toBeGreaterThanOrEqual(200)
})

test('the engine asks another replica when one does not accept connections', async () => {
  const { url, traffic } = await startRig({ web: [await deadPort(), await echo()] })
  for (let round = 0; round < 10; round += 1) {
    const answer = await fetch(`${url}/s/web`, { method: 'POST', body: 'once' })
    expect(answer.status).toBe(200)
  }
  expect(traffic.ejection.avoided).toHaveLength(1)
})

test('the engine answers 502 when no replica accepts, and tries again later', async () => {
  const port = await deadPort()
  const { url } = await startRig({ web: [port] })
  const answer = await fetch(`${url}/s/web`)
  expect(answer.status).toBe(502)
  expect(await answer.json()).toMatchObject({ error: { code: 'BAD_GATEWAY' } })
})

test('the engine answers 503 with the reason and when to come back where nothing serves', async () => {
  const { url, traffic } = await startRig({})
  publish(traffic, [fragmentOf('web', [], { absence: '"web" is starting' })])
  const answer = await fetch(`${url}/s/web`)
  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(await answer.json()).toMatchObject({
    error: { message: 'Cannot reach "web": "web" is starting' },
  })
})

test('the engine answers 504 when a replica does not answer in time', async () => {
  const port = await upstream(() => undefined)
  const { url, traffic } = await startRig({ web: [port] }, { answerTimeoutMs: 50 })
  const answer = await fetch(`${url}/s/web`)
  expect(answer.status).toBe(504)
  expect(traffic.meter.cut(traffic.nowMs())[0]).toMatchObject({ arrivals: 1, errors: 1 })
})

test('the engine answers 404 as JSON when no service has the path', async () => {
  const { url } = await startRig({ web: [await echo()] })
  const answer = await fetch(`${url}/nothing`)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ error: { code: 'NO_ROUTE' } })
})

test('the engine asks anew when a kept connection turns out to be closed', async () => {
  let connections = 0
  const port = await rawUpstream((socket) => {
    connections += 1
    let requests = 0
    socket.on('data', () => {
      requests += 1
      // Closes where a keep-alive race does: after the next request came in, before its answer.
      if (requests > 1) return void socket.destroy()
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const { url } = await startRig({ web: [port] })
  for (let round = 0; round < 4; round += 1) {
    const answer = await fetch(`${url}/s/web`)
    expect(await answer.text()).toBe('ok')
  }
  expect(connections).toBeGreaterThan(1)
})

test('the engine never sends a POST twice after a replica may have had it', async () => {
  let posts = 0
  const port = await rawUpstream((socket) => {
    socket.on('data', (data) => {
      if (String(data).startsWith('POST')) {
        posts += 1
        socket.destroy()
      } else {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      }
    })
  })
  const { url } = await startRig({ web: [port] })
  await (await fetch(`${url}/s/web`)).text()
  const answer = await fetch(`${url}/s/web`, { method: 'POST', body: 'pay' })
  expect(answer.status).toBe(502)
  expect(posts).toBe(1)
})

test('the engine takes no surplus bytes of one answer for the next', async () => {
  const port = await rawUpstream((socket) => {
    socket.on('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      setImmediate(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL'))
    })
  })
  const { url } = await startRig({ web: [port] })
  for (let round = 0; round < 10; round += 1) {
    const answer = await fetch(`${url}/s/web`)
    expect(await answer.text()).toBe('ok')
  }
})

test('the engine passes trailers on and drops those that would change the message', async () => {
  const port = await upstream((_request, response) => {
    response.writeHead(200, { trailer: 'X-Sum', 'transfer-encoding': 'chunked' })
    response.write('body')
    response.addTrailers({ 'X-Sum': 'abc', 'X-Forwarded-For': '6.6.6.6' })
    response.end()
  })
  const { url } = await startRig({ web: [port] })
  const answer = await new Promise<IncomingMessage>((resolve) =>
    httpRequest(`${url}/s/web`, resolve).end(),
  )
  answer.resume()
  await until(() => answer.complete)
  expect(answer.trailers).toEqual({ 'x-sum': 'abc' })
})

test.each([
  { what: 'HEAD', method: 'HEAD', status: 200, length: '5' },
  { what: '204', method: 'GET', status: 204, length: null },
  { what: '304', method: 'GET', status: 304, length: null },
])('the engine answers $what without a body and goes on on the same connection', async (row) => {
  const port = await upstream((_request, response) => {
    response.writeHead(row.status, row.status === 200 ? { 'content-length': 5 } : {})
    response.end(row.method === 'HEAD' || row.status !== 200 ? undefined : 'hello')
  })
  const { port: proxyPort, url } = await startRig({ web: [port] })
  const answer = await fetch(`${url}/s/web`, { method: row.method })
  expect(answer.status).toBe(row.status)
  expect(answer.headers.get('content-length')).toBe(row.length)
  expect(await answer.text()).toBe('')
  const request = `${row.method} /s/web HTTP/1.1\r\nHost: t\r\n\r\n`
  const client = new RawClient(proxyPort, request)
  await client.receives(/\r\n\r\n$/)
  client.send(request)
  await until(() => client.received.split('HTTP/1.1').length === 3)
})

test('the engine passes early hints on before the answer', async () => {
  const port = await upstream((_request, response) => {
    response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' })
    response.end('done')
  })
  const { port: proxyPort } = await startRig({ web: [port] })
  const client = new RawClient(proxyPort, get('/s/web'))
  await client.receives(/103 Early Hints[\s\S]*style\.css[\s\S]*200 OK/)
})

test('the engine tells a client to continue once a replica takes its body', async () => {
  const { port } = await startRig({ web: [await echo()] })
  const head = 'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n'
  const client = new RawClient(port, head)
  await client.receives(/^HTTP\/1\.1 100 Continue\r\n\r\n$/)
  client.send('hi')
  const [, json = ''] = await client.receives(/200 OK[\s\S]*\r\n(\{.*\})/)
  expect(JSON.parse(json)).toMatchObject({ body: 'hi' })
  expect(json.toLowerCase()).not.toContain('expect')
})

test('the engine does not ask for a body that nobody will take', async () => {
  const { port } = await startRig({})
  const head =
    'POST /none HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n'
  const text = await new RawClient(port, head).all()
  expect(text).toMatch(/^HTTP\/1\.1 404/)
})

test.each([
  { what: 'too large a head', bytes: get('/s/web', `X: ${'a'.repeat(20_000)}`), status: 431 },
  {
    what: 'too many headers',
    bytes: get('/s/web', ...Array.from({ length: 300 }, () => 'a: b')),
    status: 431,
  },
  {
    what: 'headers beyond what node keeps, with a length',
    bytes: `${get('/s/web', ...Array.from({ length: 2_500 }, () => 'a:'), 'Content-Length: 4').trimEnd()}\r\n\r\nEVIL`,
    status: 431,
  },
  {
    what: 'two framings',
    bytes:
      'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    status: 400,
  },
  { what: 'two hosts', bytes: get('/s/web', 'Host: other'), status: 400 },
  { what: 'a host with a user', bytes: 'GET / HTTP/1.1\r\nHost: a@b\r\n\r\n', status: 400 },
  { what: 'no host', bytes: 'GET / HTTP/1.1\r\n\r\n', status: 400 },
  { what: 'TRACE', bytes: 'TRACE /s/web HTTP/1.1\r\nHost: t\r\n\r\n', status: 405 },
  { what: 'a fragment', bytes: get('/s/web#x'), status: 400 },
  { what: 'garbage', bytes: '\x16\x03\x01 what is this\r\n\r\n', status: 400 },
])('the engine refuses $what with $status and asks no replica', async ({ bytes, status }) => {
  let asked = 0
  const port = await upstream((_request, response) => {
    asked += 1
    response.end()
  })
  const { port: proxyPort, url } = await startRig({ web: [port] })
  const text = await new RawClient(proxyPort, bytes).all()
  expect(text).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
  expect(asked).toBe(0)
  expect((await fetch(`${url}/s/web`)).status).toBe(200)
})

test('the engine does not leave a CONNECT waiting', async () => {
  const { port } = await startRig({ web: [await echo()] })
  const text = await new RawClient(port, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n').all()
  expect(text).not.toMatch(/ 200 /)
})

test.each([
  { what: 'garbage', bytes: 'what?\r\n\r\n' },
  { what: 'two lengths', bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab' },
  { what: 'nothing', bytes: '' },
  { what: 'half a head', bytes: 'HTTP/1.1 200 OK\r\nX-Half: ' },
  { what: 'too large a head', bytes: `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}\r\n\r\n` },
  { what: 'another protocol', bytes: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n' },
])('the engine answers 502 when a replica answers $what', async ({ bytes }) => {
  const port = await rawUpstream((socket) => {
    socket.once('data', () => socket.end(bytes))
  })
  const { url } = await startRig({ web: [port] })
  expect((await fetch(`${url}/s/web`)).status).toBe(502)
})

test('the engine answers pipelined requests in their order', async () => {
  const { port } = await startRig({ web: [await echo()] })
  const requests = ['/1', '/2', '/3'].map((path) => get(`/s/web${path}`)).join('')
  const client = new RawClient(port, requests)
  await client.receives(/"\/1"[\s\S]*"\/2"[\s\S]*"\/3"/)
})

test('the engine forgets pipelined requests whose client left', async () => {
  let asked = 0
  const port = await upstream(() => {
    asked += 1
  })
  const { port: proxyPort, traffic } = await startRig({ web: [port] })
  const client = new RawClient(proxyPort, get('/s/web').repeat(20))
  await until(() => asked === 20)
  client.socket.destroy()
  await until(() => traffic.balancer.inFlight.size === 0)
})

test('the engine reads an answer to its end when the replica answers before the whole request', async () => {
  const port = await upstream((_request, response) => {
    response.writeHead(413, { connection: 'close' })
    response.end('too large')
  })
  const { port: proxyPort, traffic } = await startRig({ web: [port] })
  const client = new RawClient(
    proxyPort,
    `POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(1000)}`,
  )
  const text = await client.all()
  expect(text).toMatch(/^HTTP\/1\.1 413[\s\S]*too large/)
  await until(() => traffic.balancer.inFlight.size === 0)
})

test('the engine finishes what is in flight when it closes, and ends the connection with it', async () => {
  let release: () => void = () => undefined
  const port = await upstream((_request, response) => {
    release = () => response.end('late but whole')
  })
  const rig = await startRig({ web: [port] })
  const client = new RawClient(rig.port, get('/s/web'))
  await until(() => rig.traffic.balancer.inFlight.size === 1)
  const closed = rig.close(10_000)
  release()
  expect(await client.all()).toMatch(/late but whole/)
  await closed
})

test('an endpoint that left the table gets no new request while its old one finishes', async () => {
  const waiting: (() => void)[] = []
  const slow = await upstream((_request, response) => {
    waiting.push(() => response.end('old'))
  })
  const rig = await startRig({ web: [slow] })
  const old = fetch(`${rig.url}/s/web`)
  await until(() => waiting.length === 1)
  let rings = 0
  rig.traffic.onRetired(() => {
    rings += 1
  })
  publish(rig.traffic, [fragmentOf('web', [await echo()])])
  expect(rings).toBe(1)
  for (let round = 0; round < 5; round += 1) {
    expect((await fetch(`${rig.url}/s/web`)).status).toBe(200)
  }
  expect(waiting).toHaveLength(1)
  waiting[0]?.()
  expect(await (await old).text()).toBe('old')
  await until(() => rings === 2)
})
