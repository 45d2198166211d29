import { afterEach, expect, test } from 'vitest'
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
    const { port } = await startRig({ web: [await echoUpstream()] })
    const text = await new RawClient(port, 'CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n').all()
    expect(text).not.toMatch(/ 200 /)
  })
})
