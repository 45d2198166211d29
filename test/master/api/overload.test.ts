import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import { ApiWorld } from './api-world.ts'

let world: ApiWorld
beforeAll(async () => {
  world = await ApiWorld.start()
})
afterAll(() => world.stop())

const writes = [
  ['POST', '/v1/services'],
  ['PUT', '/v1/services/any'],
  ['POST', '/v1/services/odd/scale'],
  ['POST', '/v1/nodes'],
  ['POST', '/v1/nodes/any/heartbeat'],
  ['POST', '/v1/proxies'],
  ['POST', '/v1/measurements'],
  ['PUT', '/v1/log-level'],
] as const
test('no JSON makes the master fail', async () => {
  const body = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.json({ maxDepth: 4 }).map((text) => `{"wire":1,"name":"a","proxy":"p","x":${text}}`),
    fc.string(),
  )
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...writes), body, async ([method, path], text) => {
      const reply = await world.call(method, path, text)
      expect(reply.status).toBeLessThan(500)
    }),
    { numRuns: 300 },
  )
  expect(world.parts.logged).toEqual([])
})

test('nothing that a client writes to the socket makes the master fail', async () => {
  const { port } = new URL(world.url)
  for (const bytes of ['GARBAGE\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', '\0\0\0\r\n\r\n']) {
    const socket = connect(Number(port), '127.0.0.1')
    socket.end(bytes)
    socket.resume()
    socket.on('error', () => undefined)
    await once(socket, 'close')
  }
  expect((await world.call('GET', '/v1/health')).status).toBe(200)
})

test('a client that goes away in mid-body leaves room for the next', async () => {
  const tight = await ApiWorld.start({ gate: { writesMax: 1 } })
  try {
    const { port } = new URL(tight.url)
    const socket = connect(Number(port), '127.0.0.1')
    const head = 'POST /v1/services HTTP/1.1\r\nhost: x\r\ncontent-type: application/json'
    socket.write(`${head}\r\ncontent-length: 100\r\n\r\n{`)
    await until(async () => {
      const { status, headers } = await tight.call('POST', '/v1/services', { name: 'a' })
      return status === 429 && headers.get('retry-after') === '1'
    })
    expect((await tight.call('GET', '/v1/services')).status).toBe(200)
    socket.destroy()
    await until(async () => (await tight.call('POST', '/v1/services', {})).status === 422)
  } finally {
    await tight.stop()
  }
})

test('under lag streams and reads wait first, reports are served', async () => {
  let lagMs = 0
  const late = await ApiWorld.start({ gate: { lagMs: () => lagMs } })
  try {
    const node = await late.join('w1')
    const statuses = async () => {
      const stream = await late.call('GET', '/v1/events?after=99', undefined, {
        accept: 'text/event-stream',
      })
      const read = await late.call('GET', '/v1/services')
      const write = await late.call('POST', '/v1/services', {})
      const report = await late.beat(node)
      return [stream, read, write, report].map(({ status }) => status)
    }
    expect(await statuses()).toEqual([410, 200, 422, 200])
    lagMs = 600
    expect(await statuses()).toEqual([429, 200, 422, 200])
    lagMs = 1_500
    expect(await statuses()).toEqual([429, 429, 422, 200])
    lagMs = 3_000
    expect(await statuses()).toEqual([429, 429, 429, 200])
  } finally {
    await late.stop()
  }
})
