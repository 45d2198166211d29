import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import {
  closeAll,
  deadPort,
  get,
  RawClient,
  rawUpstream,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

const ASK = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: k']
const SWITCH =
  'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'

describe.each(['http1', 'http-proxy'] as const)('the engine %s', (engine) => {
  test('sends early bytes once, whoever takes the upgrade in the end', async () => {
    let heard = ''
    const taking = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write(SWITCH)
        socket.on('data', (bytes) => {
          heard += String(bytes)
        })
      })
    })
    const services = { web: [await deadPort(), taking] }
    const { port } = await startRig(services, {}, { engine })
    for (let round = 0; round < 4; round += 1) {
      heard = ''
      const client = new RawClient(port, `${get('/s/web', ...ASK)}early `)
      await client.receives(/ 101 /)
      client.send('late')
      await until(() => heard.endsWith('late'))
      expect(heard).toBe('early late')
    }
  })

  test.each([
    { what: 'another protocol', bytes: SWITCH.replace('websocket', 'x') },
    { what: 'nothing', bytes: '' },
    { what: 'a head that is none', bytes: 'HTTP/1.1 000 O\x01K\r\n\r\n' },
  ])('answers 502 to an upgrade that a replica answers with $what', async ({ bytes }) => {
    let later = ''
    const port = await rawUpstream((socket) => {
      socket.once('data', () => {
        if (bytes === '') socket.destroy()
        else socket.write(bytes)
        socket.on('data', (data) => {
          later += String(data)
        })
      })
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, {}, { engine })
    const client = new RawClient(proxyPort, `${get('/s/web', ...ASK)}early`)
    expect(await client.all()).toMatch(/^HTTP\/1\.1 502 [\s\S]*X-Orchestrify-Reason: /)
    expect(later).toBe('')
    await until(() => traffic.inFlight.size === 0)
  })

  test('passes a refusal in chunks on so that it can be read', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(401, { 'transfer-encoding': 'chunked', 'keep-alive': 'timeout=9' })
      response.write('who ')
      response.end('is it?')
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, {}, { engine })
    const text = await new RawClient(proxyPort, get('/s/web', ...ASK)).all()
    expect(text).toMatch(/^HTTP\/1\.1 401 /)
    expect(text).not.toContain('timeout=9')
    const isChunked = text.toLowerCase().includes('transfer-encoding: chunked')
    const body = text.slice(text.indexOf('\r\n\r\n') + 4)
    expect(
      isChunked
        ? body
            .split('\r\n')
            .filter((_, at) => at % 2 === 1)
            .join('')
        : body,
    ).toBe('who is it?')
    await until(() => traffic.inFlight.size === 0)
  })

  test('cuts a refusal that its replica does not finish', async () => {
    const port = await rawUpstream((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 99\r\n\r\nhalf', () => {
          socket.resetAndDestroy()
        })
      })
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, {}, { engine })
    await new RawClient(proxyPort, get('/s/web', ...ASK)).all()
    await until(() => traffic.inFlight.size === 0)
  })

  test('answers 504 to an upgrade that a replica does not answer', async () => {
    const port = await rawUpstream(() => undefined)
    const { port: proxyPort, traffic } = await startRig(
      { web: [port] },
      { answerTimeoutMs: 50 },
      { engine },
    )
    const text = await new RawClient(proxyPort, get('/s/web', ...ASK)).all()
    expect(text).toMatch(/^HTTP\/1\.1 504 /)
    await until(() => traffic.inFlight.size === 0)
  })

  test('ends a tunnel that is silent for longer than it may', async () => {
    const port = await rawUpstream((socket) => {
      socket.once('data', () => socket.write(SWITCH))
    })
    const { port: proxyPort, traffic } = await startRig(
      { web: [port] },
      { lastingIdleMs: 50 },
      { engine },
    )
    expect(await new RawClient(proxyPort, get('/s/web', ...ASK)).all()).toMatch(/ 101 /)
    await until(() => traffic.inFlight.size === 0)
  })

  test('survives resets of a hundred WebSockets, from both sides', async () => {
    const port = await rawUpstream((socket) => {
      let asked = 0
      socket.on('data', () => {
        asked += 1
        if (asked === 1) socket.write(SWITCH)
        else if (asked === 2) socket.resetAndDestroy()
      })
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] }, {}, { engine })
    const clients = Array.from(
      { length: 100 },
      () => new RawClient(proxyPort, get('/s/web', ...ASK)),
    )
    await until(() => clients.every(({ received }) => received.includes(' 101 ')))
    clients.forEach((client, at) => {
      client.send('x')
      if (at % 2 === 0) client.socket.resetAndDestroy()
    })
    await until(() => clients.every(({ closed }) => closed) && traffic.inFlight.size === 0)
  })
})
