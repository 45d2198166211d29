import { afterEach, expect, test } from 'vitest'
import { until } from '../../support/until.ts'
import {
  closeAll,
  echoUpstream,
  fragmentOf,
  get,
  onEachTransport,
  publish,
  RawClient,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

onEachTransport(() => {
  test('the engine forgets pipelined requests whose client left, which it asks one after the other', async () => {
    let asked = 0
    const port = await upstream(() => {
      asked += 1
    })
    const { port: proxyPort, traffic } = await startRig({ web: [port] })
    const client = new RawClient(proxyPort, get('/s/web').repeat(20))
    await until(() => asked === 1)
    client.socket.resetAndDestroy()
    await until(() => traffic.inFlight.size === 0)
    expect(asked).toBe(1)
  })

  test('the engine finishes what is in flight when it closes, and ends the connection with it', async () => {
    let release: () => void = () => undefined
    const port = await upstream((_request, response) => {
      release = () => response.end('late but whole')
    })
    const rig = await startRig({ web: [port] })
    const client = new RawClient(rig.port, get('/s/web'))
    await until(() => rig.traffic.inFlight.size === 1)
    const closed = rig.close(10_000)
    release()
    expect(await client.all()).toMatch(/Connection: close[\s\S]*late but whole/)
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
    rig.traffic.onNews(() => {
      rings += 1
    })
    publish(rig.traffic, [fragmentOf('web', [await echoUpstream()])])
    expect(rings).toBe(1)
    for (let round = 0; round < 5; round += 1) {
      expect((await fetch(`${rig.url}/s/web`)).status).toBe(200)
    }
    expect(waiting).toHaveLength(1)
    waiting[0]?.()
    expect(await (await old).text()).toBe('old')
    await until(() => rings === 2)
  })
})
