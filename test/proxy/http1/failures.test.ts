import { afterEach, expect, test } from 'vitest'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import {
  closeAll,
  deadPort,
  echoUpstream,
  onEachTransport,
  rawUpstream,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

onEachTransport(() => {
  test('the engine asks another replica when one does not accept connections', async () => {
    const { url, traffic } = await startRig({ web: [await deadPort(), await echoUpstream()] })
    for (let round = 0; round < 10; round += 1) {
      const answer = await fetch(`${url}/s/web`, { method: 'POST', body: 'once' })
      expect(answer.status).toBe(200)
    }
    expect(traffic.avoided).toHaveLength(1)
  })

  test('the engine answers 502 when no replica accepts, and tries again later', async () => {
    const port = await deadPort()
    const { url } = await startRig({ web: [port] })
    const answer = await fetch(`${url}/s/web`)
    expect(answer.status).toBe(502)
    expect(await answer.json()).toMatchObject({ error: { code: 'CONNECT_FAILED' } })
  })

  test('the engine asks another replica no more often than its budget allows', async () => {
    const flags = ['--retry-percent', '0', '--retry-reserve', '2']
    const { url, traffic } = await startRig({}, {}, { flags })
    const balance = { policy: 'round-robin', sticky: 'none' } as const
    const ports = [await deadPort(), await echoUpstream()]
    publish(traffic, [fragmentOf('web', ports, { balance })])
    const statuses: number[] = []
    for (let round = 0; round < 14; round += 1) {
      statuses.push((await fetch(`${url}/s/web`)).status)
    }
    // The dead one is asked five times before it is left out.
    expect(statuses.filter((status) => status === 502)).toHaveLength(3)
    expect(traffic.totals.of('id-web', 'web').retries).toBe(2)
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
    const { url } = await startRig({ web: [await echoUpstream()] })
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

  test('the engine asks another replica for what one died of, when asking twice does no harm', async () => {
    const dying = await rawUpstream((socket) => {
      socket.once('data', () => socket.destroy())
    })
    const { url } = await startRig({ web: [dying, await echoUpstream()] })
    for (let round = 0; round < 4; round += 1) {
      expect((await fetch(`${url}/s/web`)).status).toBe(200)
    }
  })

  test('the engine asks another replica when the one that is asked is lost, if that does no harm', async () => {
    let asked = 0
    const silent = await upstream(() => {
      asked += 1
    })
    const { url, traffic } = await startRig({})
    const { endpoints, ...web } = fragmentOf('web', [silent])
    publish(traffic, [{ ...web, endpoints: endpoints.map((one) => ({ ...one, suspect: true })) }])
    const hurrying = new AbortController()
    const get = fetch(`${url}/s/web`)
    const post = fetch(`${url}/s/web`, { method: 'POST', body: 'pay', signal: hurrying.signal })
    await until(() => asked === 2)
    publish(traffic, [fragmentOf('web', [await echoUpstream()])])
    expect((await get).status).toBe(200)
    expect(traffic.inFlight.get(`web-${silent}`)).toBe(1)
    hurrying.abort()
    await expect(post).rejects.toThrow()
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

  test.each([
    { what: 'garbage', bytes: 'what?\r\n\r\n' },
    {
      what: 'two lengths',
      bytes: 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    },
    { what: 'nothing', bytes: '' },
    { what: 'half a head', bytes: 'HTTP/1.1 200 OK\r\nX-Half: ' },
    { what: 'too large a head', bytes: `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(40_000)}\r\n\r\n` },
    {
      what: 'another protocol',
      bytes: 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    },
  ])('the engine answers 502 when a replica answers $what', async ({ bytes }) => {
    const port = await rawUpstream((socket) => {
      socket.once('data', () => socket.end(bytes))
    })
    const { url } = await startRig({ web: [port] })
    expect((await fetch(`${url}/s/web`)).status).toBe(502)
  })
})
