import { request as httpRequest, type IncomingMessage } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import {
  closeAll,
  echoUpstream,
  get,
  onEachTransport,
  RawClient,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

onEachTransport(() => {
  test('the engine passes method, path, query and body on, and answers with what comes back', async () => {
    const { url } = await startRig({ web: [await echoUpstream()] })
    const answer = await fetch(`${url}/s/web/a/b?x=1&y=%20`, { method: 'PUT', body: 'hello' })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({
      method: 'PUT',
      url: '/a/b?x=1&y=%20',
      body: 'hello',
    })
  })

  test('the engine sets what it knows of the client and strips what the client claims', async () => {
    const { url, port } = await startRig({ web: [await echoUpstream()] })
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
    expect(headers['x-request-id']).toMatch(/^[0-9a-f]{32}$/)
    expect(headers).not.toHaveProperty('forwarded')
    expect(headers).not.toHaveProperty('x_forwarded_for')
  })

  test('the engine keeps a request id that the client gave', async () => {
    const { url } = await startRig({ web: [await echoUpstream()] })
    const answer = await fetch(`${url}/s/web`, { headers: { 'x-request-id': 'mine-1' } })
    const { headers } = (await answer.json()) as { headers: Record<string, string> }
    expect(headers['x-request-id']).toBe('mine-1')
  })

  test('the engine strips headers of one connection, also those that Connection names', async () => {
    const { port } = await startRig({ web: [await echoUpstream()] })
    const client = new RawClient(
      port,
      get('/s/web', 'Connection: close, X-Evil', 'X-Evil: 1', 'TE: trailers', 'Keep-Alive: 5'),
    )
    const text = (await client.all()).toLowerCase()
    expect(text).not.toContain('x-evil')
    expect(text).not.toContain('"te"')
    expect(text).not.toContain('"keep-alive":"5"')
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
    const { port } = await startRig({ web: [await echoUpstream()] })
    const head =
      'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n'
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

  test('the engine answers pipelined requests in their order', async () => {
    const { port } = await startRig({ web: [await echoUpstream()] })
    const requests = ['/1', '/2', '/3'].map((path) => get(`/s/web${path}`)).join('')
    const client = new RawClient(port, requests)
    await client.receives(/"\/1"[\s\S]*"\/2"[\s\S]*"\/3"/)
  })
})
