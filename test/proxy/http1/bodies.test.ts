import { createHash, randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import {
  closeAll,
  get,
  onEachTransport,
  RawClient,
  rawUpstream,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

onEachTransport(() => {
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
    await until(() => traffic.inFlight.size === 0)
    const [measured] = traffic.meter.cut(traffic.nowMs())
    expect(measured).toMatchObject({ arrivals: 1, errors: 0, latency: { buckets: [] } })
  })

  test.each([
    { how: 'of a known length', head: 'Content-Length: 100\r\n\r\n', body: 'only this' },
    { how: 'in chunks', head: 'Transfer-Encoding: chunked\r\n\r\n', body: '9\r\nonly this\r\n' },
  ])(
    'the engine cuts the client when a replica dies within a body $how',
    async ({ head, body }) => {
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
      await until(() => traffic.inFlight.size === 0)
      const [measured] = traffic.meter.cut(traffic.nowMs())
      expect(measured?.errors).toBe(1)
      expect(measured?.latency.sumMs).toBeGreaterThanOrEqual(200)
    },
  )

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
    await until(() => traffic.inFlight.size === 0)
  })
})
