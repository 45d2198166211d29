import { afterEach, expect, test } from 'vitest'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { heldReplica } from '../support/held-replica.ts'
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
    let release: (() => void) | undefined
    const port = await upstream((_request, response) => {
      release = () => response.end('late but whole')
    })
    const rig = await startRig({ web: [port] })
    const client = new RawClient(rig.port, get('/s/web'))
    const answer = await until(() => release)
    expect(rig.traffic.inFlight.size).toBe(1)
    const closed = rig.close(10_000)
    answer()
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

  test.each(['request', 'event stream'])(
    'a replica that left the table is in flight until its last %s is over',
    async (kind) => {
      let end: () => void = () => undefined
      const old = await upstream((_request, response) => {
        if (kind === 'event stream') response.setHeader('content-type', 'text/event-stream')
        response.write('begun ')
        end = () => response.end('done')
      })
      const rig = await startRig({ web: [old] })
      const client = new RawClient(rig.port, get('/s/web', 'Connection: close'))
      await client.receives(/begun /)
      publish(rig.traffic, [fragmentOf('web', [await echoUpstream()])])
      expect((await fetch(`${rig.url}/s/web`)).status).toBe(200)
      expect(Object.fromEntries(rig.traffic.inFlight)).toEqual({ [`web-${old}`]: 1 })
      let rings = 0
      rig.traffic.onNews(() => {
        rings += 1
      })
      end()
      expect(await client.all()).toContain('done')
      await until(() => rings === 1)
      expect(rig.traffic.inFlight.size).toBe(0)
    },
  )

  test('requests that wait for a replica which leaves the table go to those that stay', async () => {
    const old = await heldReplica()
    const rig = await startRig({ web: [old.port] }, {}, { flags: ['--permits-start', '1'] })
    const first = fetch(`${rig.url}/s/web`)
    await until(() => old.atOnce === 1)
    const second = fetch(`${rig.url}/s/web`)
    await until(() => rig.traffic.queued.get('id-web') === 1)
    const next = await heldReplica({ holds: false })
    publish(rig.traffic, [fragmentOf('web', [next.port])])
    expect(await (await second).text()).toBe(next.id)
    expect(rig.traffic.inFlight.get(old.id)).toBe(1)
    old.answerAll()
    expect(await (await first).text()).toBe(old.id)
    await until(() => rig.traffic.inFlight.size === 0)
  })
})
