import { afterEach, expect, test } from 'vitest'
import { fragmentOf, publish } from '../support/published.ts'
import { closeAll, onEachTransport, RawClient, startRig, upstream } from './support/rig.ts'

afterEach(closeAll)

async function rig() {
  const port = await upstream((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      const body = Buffer.concat(chunks).toString()
      response.writeHead(201, { 'x-answer': 'yes', 'content-type': 'application/json' })
      response.end(JSON.stringify({ method, url, headers, body }))
    })
  })
  const started = await startRig({})
  publish(started.traffic, [
    fragmentOf('web', [port], { image: 'reg:5000/a/b:1.2' }),
    fragmentOf('one', [port], { image: 'shared:1' }),
    fragmentOf('two', [port], { image: 'shared:1' }),
    fragmentOf('idle', []),
  ])
  return started
}

const post = (url: string, body: unknown) =>
  fetch(`${url}/proxy`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })

onEachTransport(() => {
  test('POST /proxy asks a replica of the named service and answers as it does', async () => {
    const { url, traffic } = await rig()
    const answer = await post(url, { name: 'web', method: 'GET', headers: {}, payload: { a: 1 } })
    expect(answer.status).toBe(201)
    expect(answer.headers.get('x-answer')).toBe('yes')
    expect(await answer.json()).toMatchObject({ method: 'GET', url: '/?a=1', body: '' })
    expect(traffic.meter.cut(traffic.nowMs())[0]).toMatchObject({ service: 'id-web', arrivals: 1 })
  })

  test('POST /proxy sends a payload as JSON with any other method', async () => {
    const { url } = await rig()
    const payload = { a: [1, { b: null }] }
    const answer = await post(url, { name: 'web', method: 'post', path: '/x?y=1', payload })
    expect(await answer.json()).toMatchObject({
      method: 'POST',
      url: '/x?y=1',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(payload),
    })
  })

  test('POST /proxy with HEAD ends without waiting for the body that HEAD has not', async () => {
    const { url } = await rig()
    const answer = await post(url, { name: 'web', method: 'HEAD' })
    expect(answer.status).toBe(201)
    expect(await answer.text()).toBe('')
  })

  test.each([
    { what: 'an image that one service uses', body: { name: 'reg:5000/a/b:1.2' }, status: 201 },
    { what: 'an image that two services use', body: { name: 'shared:1' }, status: 404 },
    { what: 'an unknown name', body: { name: 'nobody' }, status: 404 },
    { what: 'an address for a name', body: { name: 'http://169.254.169.254/' }, status: 404 },
    { what: 'a name like __proto__', body: '{"name":"__proto__"}', status: 404 },
    { what: 'no name', body: { method: 'GET' }, status: 400 },
    { what: 'a service that nothing serves', body: { name: 'idle' }, status: 503 },
    { what: 'an unsupported method', body: { name: 'web', method: 'TRACE' }, status: 400 },
    { what: 'no JSON', body: 'name=web', status: 400 },
    { what: 'a URL for a path', body: { name: 'web', path: 'http://x/' }, status: 400 },
    { what: 'too large a body', body: `{"name":"${'a'.repeat(1_000_001)}"}`, status: 413 },
  ])('POST /proxy answers $status to $what', async ({ body, status }) => {
    const { url } = await rig()
    const answer = await post(url, body)
    expect(answer.status).toBe(status)
  })

  test('POST /proxy survives a client that leaves in the middle of its envelope', async () => {
    const { port, url } = await rig()
    const client = new RawClient(
      port,
      'POST /proxy HTTP/1.1\r\nHost: t\r\nContent-Length: 99\r\n\r\n{',
    )
    client.socket.destroy()
    expect((await post(url, { name: 'web' })).status).toBe(201)
  })

  test('a service whose host has a rule for /proxy gets it itself', async () => {
    const { port, traffic } = await rig()
    const [web] = traffic.table.fragments
    if (web === undefined) throw new Error('there is a service')
    publish(traffic, [{ ...web, routes: [{ host: 'app.test', path: '/' }] }])
    const head = 'POST /proxy HTTP/1.1\r\nHost: app.test\r\nContent-Length: 2\r\n'
    const client = new RawClient(port, `${head}Connection: close\r\n\r\n{}`)
    expect(await client.all()).toMatch(/"url":"\/proxy"/)
  })
})
