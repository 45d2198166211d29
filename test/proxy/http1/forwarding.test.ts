import { afterEach, expect, test } from 'vitest'
import { fragmentOf, publish } from '../../support/published.ts'
import { heard } from '../support/heard.ts'
import { heldReplica } from '../support/held-replica.ts'
import { closeAll, get, onEachTransport, RawClient, startRig, upstream } from '../support/rig.ts'

afterEach(closeAll)

const TRUSTED = ['--trusted-hops', '2']
const OLD = 'GET /s/web HTTP/1.0\r\n'

/** Asks once with each chain of X-Forwarded-For lines; answers which replicas were asked. */
async function homesOf(
  chains: readonly (readonly string[])[],
  flags: readonly string[],
): Promise<readonly string[]> {
  const replicas = await Promise.all(Array.from({ length: 8 }, () => heldReplica({ holds: false })))
  const { port, traffic } = await startRig({}, {}, { flags })
  const ports = replicas.map((replica) => replica.port)
  const balance = { policy: 'round-robin', sticky: 'client-ip' } as const
  publish(traffic, [fragmentOf('web', ports, { balance })])
  const homes: string[] = []
  for (const chain of chains) {
    const lines = chain.map((value) => `X-Forwarded-For: ${value}`)
    const text = await new RawClient(port, get('/s/web', ...lines, 'Connection: close')).all()
    homes.push(/web-\d+$/.exec(text)?.[0] ?? '')
  }
  return homes
}

onEachTransport(() => {
  test('the engine appends its client to the chain of proxies that are trusted', async () => {
    const lines = ['X-Forwarded-For: 1.1.1.1, 2.2.2.2', 'x-forwarded-for: 3.3.3.3']
    const headers = await heard(lines, TRUSTED)
    expect(headers['x-forwarded-for']).toBe('1.1.1.1, 2.2.2.2, 3.3.3.3, 127.0.0.1')
  })

  test('the engine begins the chain where trusted proxies gave none', async () => {
    expect((await heard([], TRUSTED))['x-forwarded-for']).toBe('127.0.0.1')
  })

  test('the engine keeps what trusted proxies say of protocol, host and port', async () => {
    const said = {
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'shop.test',
      'x-forwarded-port': '8443',
    }
    const lines = Object.entries(said).map(([name, value]) => `${name}: ${value}`)
    expect(await heard(lines, TRUSTED)).toMatchObject(said)
  })

  test('the engine says itself of protocol and host what trusted proxies leave out', async () => {
    expect(await heard([], TRUSTED)).toMatchObject({
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 't',
    })
  })

  test('the engine believes nobody of a client where no proxy is trusted', async () => {
    const headers = await heard([
      'X-Forwarded-For: 1.1.1.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: shop.test',
      'X-Forwarded-Port: 8443',
      'X-Forwarded-Prefix: /x',
      'X-Real-IP: 1.1.1.1',
      'Forwarded: for=1.1.1.1',
    ])
    expect(headers).toMatchObject({
      'x-forwarded-for': '127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 't',
    })
    const dropped = ['x-forwarded-port', 'x-forwarded-prefix', 'x-real-ip', 'forwarded']
    for (const name of dropped) expect(headers).not.toHaveProperty(name)
  })

  // Proxies that write X-Forwarded lines pass a client's own Forwarded on as it came.
  test('the engine passes no Forwarded on, whoever is trusted', async () => {
    expect(await heard(['Forwarded: for=1.1.1.1'], TRUSTED)).not.toHaveProperty('forwarded')
  })

  test('the engine knows a client by what the first trusted proxy saw, not by its claims', async () => {
    const own = '9.9.9.9, 10.0.0.1'
    const claims = Array.from({ length: 12 }, (_, at) => `7.7.7.${at}, ${own}`)
    const homes = await homesOf(
      [[own], ['9.9.9.9', '10.0.0.1'], ...claims.map((c) => [c])],
      TRUSTED,
    )
    expect(new Set(homes).size).toBe(1)
    const others = Array.from({ length: 24 }, (_, at) => [`9.9.${at}.9, 10.0.0.1`])
    expect(new Set(await homesOf(others, TRUSTED)).size).toBeGreaterThan(1)
  })

  test('the engine knows a client by the earliest trusted word where the chain is short', async () => {
    const clients = Array.from({ length: 24 }, (_, at) => [`9.9.${at}.9`])
    expect(new Set(await homesOf(clients, TRUSTED)).size).toBeGreaterThan(1)
  })

  test('the engine knows a client by its own address where no proxy is trusted', async () => {
    const claims = Array.from({ length: 12 }, (_, at) => [`9.9.${at}.9`])
    expect(new Set(await homesOf(claims, [])).size).toBe(1)
  })

  test('the engine keeps the connection of HTTP/1.0 that wants it, and says so', async () => {
    const port = await upstream((_request, response) => {
      response.writeHead(200, { 'content-length': 4 }).end('fine')
    })
    const { port: proxyPort } = await startRig({ web: [port] })
    const client = new RawClient(proxyPort, `${OLD}Host: t\r\nConnection: keep-alive\r\n\r\n`)
    await client.receives(/^HTTP\/1\.1 200[\s\S]*\r\nConnection: keep-alive\r\n[\s\S]*fine$/)
    client.send(`${OLD}Host: t\r\n\r\n`)
    expect(await client.all()).toMatch(
      /fineHTTP\/1\.1 200[\s\S]*\r\nConnection: close\r\n[\s\S]*fine$/,
    )
  })

  test('the engine gives HTTP/1.0 an answer in chunks without chunks, and ends it', async () => {
    const port = await upstream((_request, response) => {
      response.write('one ')
      setImmediate(() => response.end('two'))
    })
    const { port: proxyPort } = await startRig({ web: [port] })
    const client = new RawClient(proxyPort, `${OLD}Host: t\r\nConnection: keep-alive\r\n\r\n`)
    const text = await client.all()
    expect(text).toMatch(/\r\nConnection: close\r\n[\s\S]*\r\none two$/)
    expect(text.toLowerCase()).not.toContain('transfer-encoding')
  })

  test('the engine asks for HTTP/1.0 without a host in HTTP/1.1', async () => {
    let said = ''
    const port = await upstream((request, response) => {
      said = `${request.httpVersion} ${request.headers.host} ${request.headers['x-forwarded-host']}`
      response.end('fine')
    })
    const { port: proxyPort } = await startRig({ web: [port] })
    expect(await new RawClient(proxyPort, `${OLD}\r\n`).all()).toMatch(/fine$/)
    expect(said).toBe('1.1  undefined')
  })
})
