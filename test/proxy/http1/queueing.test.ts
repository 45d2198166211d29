import { setTimeout as pass } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { SLOW_AFTER_MS } from '../../../proxy/http1/client-patience.ts'
import type { RouteFragment } from '../../../shared/model.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { fragmentOf, publish } from '../../support/published.ts'
import { until } from '../../support/until.ts'
import { type HeldReplica, heldReplica } from '../support/held-replica.ts'
import {
  closeAll,
  get,
  onEachTransport,
  RawClient,
  type Rig,
  startRig,
  upstream,
} from '../support/rig.ts'

afterEach(closeAll)

const ONE_AT_ONCE = ['--permits-start', '1']

interface Stage {
  readonly replicas: readonly HeldReplica[]
  readonly flags?: readonly string[]
  readonly fragment?: Partial<RouteFragment>
}

/** A proxy whose time stands still, and the clock that moves it. */
async function stage({ replicas, flags = [], fragment = {} }: Stage) {
  const clock = new FakeClock()
  const rig = await startRig({}, {}, { flags, nowMs: () => clock.nowMs() })
  const ports = replicas.map(({ port }) => port)
  publish(rig.traffic, [fragmentOf('web', ports, fragment)])
  return { ...rig, clock, web: `${rig.url}/s/web` }
}

function waiting({ traffic }: Pick<Rig, 'traffic'>): number {
  return traffic.queued.get('id-web') ?? 0
}

async function refusal(answer: Response): Promise<unknown> {
  const { error } = (await answer.json()) as { error: { code: string } }
  const { status, headers } = answer
  const reason = headers.get('x-orchestrify-reason')
  expect(reason).toBe(error.code)
  return { status, reason, retryAfter: headers.get('retry-after') }
}

onEachTransport(() => {
  test('a request that finds too many waiting is refused at once, the others are answered', async () => {
    const replica = await heldReplica()
    const flags = [...ONE_AT_ONCE, '--waiting-max', '1']
    const rig = await stage({ replicas: [replica], flags })
    const first = fetch(rig.web)
    await until(() => replica.atOnce === 1)
    const second = fetch(rig.web)
    await until(() => waiting(rig) === 1)
    expect(await refusal(await fetch(rig.web))).toEqual({
      status: 503,
      reason: 'QUEUE_FULL',
      retryAfter: '1',
    })
    replica.answerAll()
    expect((await first).status).toBe(200)
    await until(() => replica.atOnce === 1)
    replica.answerAll()
    expect((await second).status).toBe(200)
    expect(replica.asked).toHaveLength(2)
  })

  test('a request that has waited for too long is refused, and asks nobody', async () => {
    const replica = await heldReplica()
    const rig = await stage({ replicas: [replica], flags: [...ONE_AT_ONCE, '--wait-max', '2s'] })
    const first = fetch(rig.web)
    await until(() => replica.atOnce === 1)
    const second = fetch(rig.web)
    await until(() => waiting(rig) === 1)
    await rig.clock.advance(2_000)
    expect(await refusal(await second)).toEqual({
      status: 503,
      reason: 'QUEUE_TIMEOUT',
      retryAfter: '1',
    })
    expect(rig.traffic.meter.cut(rig.clock.nowMs())[0]).toMatchObject({
      arrivals: 2,
      errors: 1,
      queueMs: 2_000,
      latency: { sumMs: 2_000 },
    })
    replica.answerAll()
    expect((await first).status).toBe(200)
    expect(replica.asked).toHaveLength(1)
  })

  test('a request for a service without a replica is refused with the reason, and is no latency', async () => {
    const rig = await stage({ replicas: [], fragment: { absence: '"web" is stopped' } })
    const answer = await fetch(rig.web)
    expect(await answer.clone().text()).toContain('Cannot reach \\"web\\": \\"web\\" is stopped')
    expect(await refusal(answer)).toEqual({ status: 503, reason: 'NO_REPLICA', retryAfter: '1' })
    expect(rig.traffic.meter.cut(rig.clock.nowMs())[0]).toMatchObject({
      errors: 1,
      latency: { buckets: [] },
    })
  })

  test('requests wait for a first replica that comes; waiting and work are measured apart', async () => {
    const rig = await stage({ replicas: [], fragment: { comes: true } })
    const replica = await heldReplica({ holds: false, work: () => rig.clock.advance(30) })
    const asked = fetch(rig.web)
    await until(() => waiting(rig) === 1)
    await rig.clock.advance(400)
    publish(rig.traffic, [fragmentOf('web', [replica.port])])
    expect(await (await asked).text()).toBe(replica.id)
    const [measured] = rig.traffic.meter.cut(rig.clock.nowMs())
    expect(measured).toMatchObject({ arrivals: 1, errors: 0, queued: 0, queueMs: 400 })
    expect(measured?.latency.sumMs).toBeCloseTo(430, 0)
    expect(measured?.replicas).toMatchObject([{ replica: replica.id, arrivals: 1, upstreamMs: 30 }])
  })

  test('a request does not wait for ever for a first replica', async () => {
    const flags = ['--wait-first-max', '3s']
    const rig = await stage({ replicas: [], flags, fragment: { comes: true } })
    const asked = fetch(rig.web)
    await until(() => waiting(rig) === 1)
    await rig.clock.advance(3_000)
    expect(await refusal(await asked)).toMatchObject({ status: 503, reason: 'QUEUE_TIMEOUT' })
  })

  test('a client that leaves the queue is not asked for, and the next one goes', async () => {
    const replica = await heldReplica()
    const rig = await stage({ replicas: [replica], flags: ONE_AT_ONCE })
    const first = fetch(rig.web)
    await until(() => replica.atOnce === 1)
    const leaver = new RawClient(rig.port, get('/s/web/leaver'))
    await until(() => waiting(rig) === 1)
    const last = fetch(`${rig.web}/last`)
    await until(() => waiting(rig) === 2)
    leaver.socket.resetAndDestroy()
    await until(() => waiting(rig) === 1)
    replica.answerAll()
    await first
    await until(() => replica.atOnce === 1)
    replica.answerAll()
    expect((await last).status).toBe(200)
    expect(replica.asked).toEqual(['GET /', 'GET /last'])
  })

  test('no replica ever has more at once than its permits', async () => {
    const replicas = [await heldReplica(), await heldReplica()]
    const rig = await stage({ replicas, fragment: { concurrency: 3 } })
    const statuses: number[] = []
    const answers = Array.from({ length: 60 }, async (_, at) => {
      const init = at % 2 === 0 ? {} : { method: 'POST', body: 'x'.repeat(at * 100) }
      statuses.push((await fetch(rig.web, init)).status)
    })
    await until(() => replicas.every(({ atOnce }) => atOnce === 3))
    await until(() => {
      for (const replica of replicas) replica.answerAll()
      return statuses.length === 60
    })
    await Promise.all(answers)
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(replicas.map(({ mostAtOnce }) => mostAtOnce)).toEqual([3, 3])
    expect(replicas.flatMap(({ asked }) => asked)).toHaveLength(60)
  })

  test('a request whose body took a moment to come keeps its permit while its replica works', async () => {
    const replica = await heldReplica()
    const flags = [...ONE_AT_ONCE, '--wait-max', '10m', '--answer-timeout', '10m']
    const rig = await stage({ replicas: [replica], flags })
    const head = 'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n'
    const client = new RawClient(rig.port, `${head}Expect: 100-continue\r\n\r\n`)
    await client.receives(/100 Continue/)
    client.send('body')
    await until(() => replica.atOnce === 1)
    const other = fetch(rig.web)
    await until(() => waiting(rig) === 1)
    // Whoever looks after a client that stopped in its head has looked after all of them.
    const stopped = new RawClient(rig.port, 'GET /')
    await until(async () => {
      await rig.clock.advance(1_000)
      return stopped.received.startsWith('HTTP/1.1 408')
    })
    expect(replica.asked).toEqual(['POST /'])
    replica.answerAll()
    await client.receives(/200 OK/)
    await until(() => replica.atOnce === 1)
    replica.answerAll()
    expect((await other).status).toBe(200)
  })

  test('a client that is slow to send frees the permit, and counts as in flight', async () => {
    const replica = await heldReplica()
    const { port, url, traffic } = await startRig(
      { web: [replica.port] },
      {},
      {
        flags: ONE_AT_ONCE,
      },
    )
    const head = 'POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: 200000\r\n\r\n'
    const slow = new RawClient(port, head + 'x'.repeat(100_000))
    await until(() => replica.atOnce === 1)
    const other = fetch(`${url}/s/web`)
    await until(() => replica.atOnce === 2)
    expect(traffic.inFlight.get(replica.id)).toBe(2)
    replica.answerAll()
    expect((await other).status).toBe(200)
    slow.send('x'.repeat(100_000))
    await slow.receives(/200 OK/)
    await until(() => traffic.inFlight.size === 0)
  })

  test('a replica that is slow to read keeps its permit taken', async () => {
    const length = 20_000_000
    let release: () => void = () => undefined
    let asked = 0
    const port = await upstream((request, response) => {
      asked += 1
      request.once('end', () => response.end('fine'))
      if (request.method === 'GET') request.resume()
      else release = () => request.resume()
    })
    const rig = await startRig({ web: [port] }, {}, { flags: ONE_AT_ONCE })
    const head = `POST /s/web HTTP/1.1\r\nHost: t\r\nContent-Length: ${length}\r\n\r\n`
    const client = new RawClient(rig.port, head)
    client.send('x'.repeat(length))
    await until(() => asked === 1)
    const other = fetch(`${rig.url}/s/web`)
    await pass(3 * SLOW_AFTER_MS)
    expect([asked, rig.traffic.queued.get('id-web')]).toEqual([1, 1])
    release()
    await client.receives(/200 OK/)
    expect((await other).status).toBe(200)
  })

  test('a client that is slow to read frees the permit, and gets all in the end', async () => {
    const large = Buffer.alloc(20_000_000, 'x')
    const port = await upstream((request, response) => {
      response.end(request.url === '/large' ? large : 'fine')
    })
    const rig = await startRig({ web: [port] }, {}, { flags: ONE_AT_ONCE })
    const slow = new RawClient(rig.port, get('/s/web/large'))
    await slow.receives(/200 OK/)
    slow.socket.pause()
    expect(await (await fetch(`${rig.url}/s/web`)).text()).toBe('fine')
    expect(rig.traffic.inFlight.get(`web-${port}`)).toBe(1)
    slow.socket.resume()
    await until(() => slow.received.length > large.length)
    await until(() => rig.traffic.inFlight.size === 0)
  })

  test('requests of a slow route do not count against the objective, those beside them do', async () => {
    const routes = [{ path: '/' }, { path: '/report', slow: true }]
    const replica = await heldReplica({ holds: false })
    const rig = await stage({ replicas: [replica], fragment: { routes } })
    replica.holds = true
    const paths = ['/report/year', '/page', '/s/web/report/month']
    for (const path of paths) {
      const asked = fetch(rig.url + path)
      await until(() => replica.atOnce === 1)
      await rig.clock.advance(1_000)
      replica.answerAll()
      expect((await asked).status).toBe(200)
      await until(() => replica.atOnce === 0)
    }
    const asked = ['GET /report/year', 'GET /page', 'GET /report/month']
    expect(replica.asked).toEqual(asked)
    const [measured] = rig.traffic.meter.cut(rig.clock.nowMs())
    expect(measured).toMatchObject({ arrivals: 3, latency: { sumMs: 1_000 } })
    expect(measured?.replicas).toMatchObject([{ arrivals: 3, upstreamMs: 3_000 }])
  })
})
